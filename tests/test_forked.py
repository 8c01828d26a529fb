"""A process that was forked is as one that was started."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.machinery.absent import surroundings
from tests.forked import IMPORTED, Process, run, start

ROOT = Path(__file__).parents[1]
SECONDS = 60.0
FACTS = """
import gc, json, os, sys, warnings
with warnings.catch_warnings(record=True) as warned:
    warnings.warn("careful", RuntimeWarning)
    try:
        warnings.warn("careful", ResourceWarning)
    except ResourceWarning as error:
        warned.append(error)
print(json.dumps({
    "name": [__name__, vars(sys.modules["__main__"]) is globals(), getattr(__spec__, "name", None)],
    "arguments": sys.argv,
    "path": sys.path,
    "folder": os.getcwd(),
    "environment": dict(os.environ),
    "group": os.getpgid(0) == os.getpid(),
    "files": sorted(os.listdir("/dev/fd")),
    "read": sys.stdin.read(),
    "options": sys.warnoptions,
    "warned": [type(one).__name__ for one in warned],
    "project": [name for name in sys.modules if name.partition(".")[0] in {"benchmarks", "flask_oneloop", "tests"}],
    "collected": gc.get_threshold(),
    "absent": [name for name in ("litestar", "numpy") if sys.modules.get(name, name) is None],
}))
"""
ENDS = {
    "nothing": "",
    "a status": "raise SystemExit(3)",
    "words": "raise SystemExit('no')",
    "an error": "1 / 0",
    "a signal": "import os; os.kill(os.getpid(), 9)",
    "an interrupt": "raise KeyboardInterrupt",
    "what is left": """
import atexit, threading, time
class Kept:
    def __del__(self):
        print("deleted")
kept = Kept()
def work():
    time.sleep(0.1)
    print("thread")
threading.Thread(target=work).start()
atexit.register(print, "exit")
print("end")
""",
    "what hangs on others": """
import asyncio, threading
class Kept:
    def __del__(self):
        print("deleted")
asyncio.get_event_loop_policy().kept = Kept()
threading.kept = Kept()
""",
}
ASKING = """
import os, psutil, time
from tests.forked import start
code = "import time; time.sleep(600)"
process = psutil.Process(start(["-c", code], cwd=os.getcwd(), env=os.environ, stdout=2, stderr=2).pid)
print(*(one.pid for one in (process, *process.parents()[:2])), flush=True)
time.sleep(600)
"""

Twice = Callable[..., list[subprocess.CompletedProcess[str]]]


@pytest.fixture
def twice(tmp_path: Path) -> Twice:
    """Run Python with these arguments in a folder, started and forked."""

    def runs(*arguments: str, **variables: str) -> list[subprocess.CompletedProcess[str]]:
        environment = {**os.environ, **surroundings(path=str(tmp_path)), **variables}
        command, nothing = [sys.executable, *arguments], subprocess.DEVNULL
        return [
            subprocess.run(
                command, cwd=tmp_path, env=environment, stdin=nothing, capture_output=True, text=True, process_group=0
            ),
            run(arguments, cwd=tmp_path, env=environment, timeout=SECONDS),
        ]

    return runs


def forked(code: str, *arguments: str) -> list[str]:
    """The words that it writes."""
    done = run(["-c", code, *arguments], cwd=ROOT, env=os.environ, timeout=SECONDS)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.fixture
def process() -> Iterator[Process]:
    """One that waits for a signal."""
    with tempfile.TemporaryFile() as output:
        process = start(["-c", "import time; time.sleep(600)"], cwd=ROOT, env=os.environ, stdout=output.fileno(), stderr=2)
        yield process
        process.terminate()
        process.wait(SECONDS)


@pytest.mark.parametrize("options", ["", "error,ignore::RuntimeWarning", "ignore,default::ResourceWarning"])
@pytest.mark.parametrize("arguments", [("-c", FACTS, "one", "-two"), ("-m", "facts", "one", "-two"), ("-m", "package")])
def test_it_finds_what_one_finds_that_was_started(tmp_path: Path, twice: Twice, arguments: tuple[str, ...], options: str) -> None:
    (tmp_path / "facts.py").write_text(FACTS)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text(FACTS)
    done = twice(*arguments, PYTHONWARNINGS=options, MINE="yes")
    assert [(one.returncode, one.stderr) for one in done] == [(0, "")] * 2
    started, forked = (json.loads(one.stdout) for one in done)
    assert forked == started
    assert forked["collected"][0] == int(os.environ["COLLECT_AFTER"])
    assert (forked["project"], forked["absent"], forked["environment"]["MINE"]) == ([], ["litestar", "numpy"], "yes")


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("way", ["-c", "-m"])
def test_it_ends_as_one_ends_that_was_started(tmp_path: Path, twice: Twice, way: str, name: str) -> None:
    (tmp_path / "ending.py").write_text(ENDS[name])
    started, forked = twice(way, ENDS[name] if way == "-c" else "ending")
    assert (forked.returncode, forked.stdout) == (started.returncode, started.stdout)
    assert forked.stderr.splitlines()[-1:] == started.stderr.splitlines()[-1:]


def test_a_module_that_is_not_there_is_said(twice: Twice) -> None:
    started, forked = twice("-m", "nowhere")
    assert (forked.returncode, forked.stderr) == (started.returncode, started.stderr)
    assert "No module named nowhere" in forked.stderr


def test_it_begins_with_what_was_imported_and_without_patches() -> None:
    assert forked("import sys; print(*(name for name in sys.argv if name in sys.modules))", *IMPORTED, "gevent") == [*IMPORTED]


def test_two_of_them_are_random_in_ways_of_their_own() -> None:
    code = (
        "import random, secrets, uuid_utils; print(random.random(), secrets.token_hex(), uuid_utils.uuid4(), uuid_utils.uuid7())"
    )
    assert len({*forked(code), *forked(code)}) == 8


def test_it_is_waited_for_and_signalled(process: Process) -> None:
    assert [process.poll(), process.returncode] == [None, None]
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.05)
    waiting, forking = psutil.Process(process.pid).parents()[:2]
    assert [waiting.num_threads(), forking.num_threads()] == [1, 1]
    process.send_signal(signal.SIGKILL)
    assert [process.wait(SECONDS), process.poll(), process.returncode] == [-signal.SIGKILL] * 3
    process.terminate()  # nobody, now
    waiting.wait(SECONDS)
    assert forking.is_running()


def test_it_is_killed_with_its_group(process: Process) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(SECONDS) == -signal.SIGKILL


def test_who_forks_ends_with_whoever_asks() -> None:
    with subprocess.Popen([sys.executable, "-c", ASKING], cwd=ROOT, stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout
        process, _, forking = (psutil.Process(int(pid)) for pid in asking.stdout.readline().split())
        asking.kill()
        forking.wait(SECONDS)
        process.kill()
