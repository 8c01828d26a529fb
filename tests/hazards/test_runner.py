"""What is seen of a side from outside, and that nothing of it stays."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from benchmarks.hazards.runner import HazardRunner, Task
from benchmarks.raw.hazards import Side


class H0(Hazard):
    """A hazard whose reproduction is given."""

    slug = writes = happens = why = instead = ours = upstream = "text"

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def script(self) -> Path:
        return self.path

    def judge(self, facts: Facts) -> Outcome:
        return Outcome(False, f"said {facts['said']}")


@pytest.fixture(scope="module")
def runner() -> Iterator[HazardRunner]:
    with HazardRunner(None) as runner:
        yield runner


def run(runner: HazardRunner, folder: Path, code: str, limit: float = 20) -> Side:
    path = folder / "script.py"
    path.write_text(code)
    return runner.run(Task(H0(path), "documented", "none"), limit)


def test_facts_are_the_last_line_that_is_an_object(runner: HazardRunner, tmp_path: Path) -> None:
    side = run(runner, tmp_path, """print('{"said": 1}')\nprint('{"said": 2}')\nprint("a library's farewell")""")
    assert (side.end, side.facts, side.broken, side.outcome) == ("exit 0", {"said": 2}, False, "said 2")


def test_errors_are_told_without_what_differs_from_run_to_run(runner: HazardRunner, tmp_path: Path) -> None:
    code = "import flask\nraise ValueError(f'task {flask!r} failed')"
    side = run(runner, tmp_path, code)
    assert (side.end, side.errors, side.broken) == ("exit 1", ("ValueError: task <...> failed",), True)
    assert side.outcome == "the process ended with exit 1: ValueError: task <...> failed"


def test_signal_is_seen(runner: HazardRunner, tmp_path: Path) -> None:
    side = run(runner, tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    assert (side.end, side.broken, side.outcome) == ("SIGSEGV", True, "the process was killed by SIGSEGV")


def test_side_that_hangs_is_killed_with_all_that_it_started(runner: HazardRunner, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    code = f"""
import os, pathlib, subprocess, time
child = subprocess.Popen(["sleep", "1000"])
pathlib.Path({str(note)!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
print('{{"said": 1}}', flush=True)
time.sleep(1000)
"""
    side = run(runner, tmp_path, code, limit=2)
    assert (side.end, side.broken, side.facts) == ("time limit", True, {"said": 1})
    pids = [int(pid) for pid in note.read_text().split()]
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=30)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_side_runs_in_a_folder_of_its_own_that_is_deleted(runner: HazardRunner, tmp_path: Path) -> None:
    side = run(runner, tmp_path, """import json, os\nprint(json.dumps({"said": os.getcwd(), "found": os.listdir()}))""")
    assert side.facts["found"] == []
    assert not Path(side.facts["said"]).exists()


def test_settings_of_the_user_do_not_reach_a_side_and_closing_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/")
    code = """import json, os\nprint(json.dumps({"said": [os.environ.get(k) for k in ("FLASK_DEBUG", "DATABASE_URL")]}))"""
    with HazardRunner(None) as runner:
        assert run(runner, tmp_path, code).facts == {"said": [None, None]}
        (parent,) = (child.process for child in runner._parents.values())
        assert psutil.pid_exists(parent.pid)
    assert parent.returncode == -signal.SIGKILL
    assert not [one for one in psutil.Process(os.getpid()).children() if one.pid == parent.pid]
