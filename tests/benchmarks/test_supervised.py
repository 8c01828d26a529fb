"""Nothing outlives the process that asked for it, however that ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.machinery.child import ChildError
from benchmarks.machinery.supervised import supervise, temporary_folder

ASKING = """
import sys, time
from benchmarks.machinery.supervised import supervise, temporary_folder
with temporary_folder() as folder, supervise([sys.executable, "-c", {child!r}], {{}}) as process:
    print(folder, process.folder, process.pid, flush=True)
    time.sleep(60)
"""
SLEEP = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def gone(pid: int, *folders: Path, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while psutil.pid_exists(pid) or any(folder.exists() for folder in folders):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_folder_lasts_as_long_as_the_block() -> None:
    with temporary_folder() as folder:
        (folder / "file").write_text("x")
        assert folder.is_dir()
    assert not folder.exists()


def test_a_process_runs_in_an_empty_folder_with_what_it_was_given() -> None:
    code = (
        "import os, time; print(os.listdir(), os.environ['GIVEN'], sorted(os.sched_getaffinity(0)), flush=True); time.sleep(60)"
    )
    cores = sorted(os.sched_getaffinity(0))[:1]
    with supervise([sys.executable, "-c", code], {"GIVEN": "this"}, cores) as process:
        deadline = time.monotonic() + 20
        while not process.output and time.monotonic() < deadline:
            time.sleep(0.02)
        assert process.output == f"[] this {cores}\n"
        assert process.stop_seconds == 0
    assert gone(process.pid, process.folder)
    assert process.stop_seconds > 0


def test_what_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.machinery.supervised.STOP_SECONDS", 0.3)
    with supervise([sys.executable, "-c", DEAF], {}) as process:
        deadline = time.monotonic() + 20
        while not process.output and time.monotonic() < deadline:
            time.sleep(0.02)
    assert gone(process.pid, process.folder)
    assert process.stop_seconds >= 0.3


def test_a_command_that_is_not_there_is_an_error_in_one_line() -> None:
    with (
        pytest.raises(ChildError, match="No such file or directory: '/nowhere/at/all'"),
        supervise(["/nowhere/at/all"], {}),
    ):
        pass


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_the_asking_process_is_ended(how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ASKING.format(child=SLEEP)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as asking:
        assert asking.stdout
        first, second, pid = asking.stdout.readline().split()
        assert Path(first).is_dir()
        assert psutil.pid_exists(int(pid))
        asking.send_signal(how)
    assert gone(int(pid), Path(first), Path(second))
