"""What takes orders ends with whoever gave them, and tells why when it ends before."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from benchmarks.machinery.child import Child, ChildError, worker

ROOT = Path(__file__).parents[2]
WORKER = """
import os, signal, subprocess, sys, time
from benchmarks.machinery.child import serve

def respond(order):
    if order == "pid":
        print("no answer")
        return os.getpid()
    if order == "start":
        return subprocess.Popen(["sleep", "600"]).pid
    if order == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if order == "fail":
        raise ValueError("no\\nsuch order")
    time.sleep(order)
    return [order, sys.argv[1:]]

serve(respond)
"""
PARENT = """
import os, sys, time
from benchmarks.machinery.child import worker
with worker("ours") as child:
    pid = child.ask("pid")
    forked = os.fork() if "fork" in sys.argv else -1
    if forked:
        print(pid, forked, flush=True)
        child.ask(600)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is started here, where the children find it."""
    (tmp_path / "ours.py").write_text(WORKER)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{tmp_path}")


def gone(*pids: int, seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def interrupted(seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, signal.pthread_kill, [threading.get_ident(), signal.SIGINT])
    timer.start()
    try:
        yield
    finally:
        timer.join()


def test_one_answer_to_each_order_whatever_is_printed() -> None:
    with worker("ours", "one", "two") as child:
        assert child.ask("pid") == child.process.pid
        assert child.ask(0) == [0, ["one", "two"]]


def test_it_is_killed_with_what_it_started() -> None:
    with worker("ours") as child:
        pids = child.ask("pid"), child.ask("start")
        assert all(map(psutil.pid_exists, pids))
    assert gone(*pids)


@pytest.mark.parametrize(("order", "words"), [("fail", "such order"), ("crash", "the process crashed: SIGSEGV")])
def test_its_last_words_are_one_line(order: str, words: str) -> None:
    with worker("ours") as child:
        for _ in range(2):
            with pytest.raises(ChildError) as caught:
                child.ask(order)
            assert str(caught.value) == words


def test_a_module_that_is_not_there_is_an_error() -> None:
    with worker("nowhere") as child, pytest.raises(ChildError, match=r"No module named nowhere$"):
        child.ask("pid")


def test_an_answer_that_was_not_awaited_is_taken_for_no_other() -> None:
    def interrupt(child: Child) -> None:
        with pytest.raises(KeyboardInterrupt), interrupted(0.3):
            child.ask(600)

    with worker("ours") as child:
        pid = child.ask("pid")
        interrupt(child)
        with pytest.raises(ChildError):
            child.ask("pid")
    assert gone(pid)


@pytest.mark.parametrize("arguments", [[], ["fork"]])
def test_it_ends_with_its_parent_in_the_middle_of_an_order(arguments: list[str]) -> None:
    """Also where a forked child of the parent lives on, and with it the other end of the pipe."""
    with subprocess.Popen([sys.executable, "-c", PARENT, *arguments], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid, forked = map(int, parent.stdout.readline().split())
        try:
            assert not gone(pid, seconds=0.2)
            parent.kill()
            assert gone(pid)
        finally:
            parent.kill()
            if forked > 0:
                os.kill(forked, signal.SIGKILL)
