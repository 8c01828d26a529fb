"""Processes of our own that take orders: a line of JSON each on stdin, and on stdout a line in answer to each.

    with worker("benchmarks.under_load.driver") as child:
        answer = child.ask(["open", 8000, 32])

They end with the process that started them, however that ends, and there are two roles. A *worker* answers one order after the
other (`serve`) and is killed on leaving. A *keeper* makes something for its one order (`keep`), with the standard library alone,
and outlives its parent for as long as it takes to undo that. When one ends instead of answering, its last line on stderr tells.
"""

import json
import os
import queue
import runpy
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ChildError(Exception):
    """A child did not do what it was ordered to; the message says why in one line, and `ended` how it ended, if it did."""

    def __init__(self, message: str, ended: str = "") -> None:
        super().__init__(message)
        self.ended = ended


class Child:
    """A process that was started here; it is asked one thing at a time."""

    def __init__(self, process: subprocess.Popen[str], words: IO[str]) -> None:
        self.process = process
        self._words = words
        self._lock = threading.Lock()

    def ask(self, order: Any) -> Any:
        """Its answer. Raises `ChildError` when it ends early."""
        assert self.process.stdin
        with self._lock:
            try:
                self.process.stdin.write(json.dumps([os.getpid(), order]) + "\n")
                self.process.stdin.flush()
                return self._answer()
            except (OSError, ValueError):
                raise self._error() from None
            except BaseException:  # an answer would be left that the next order took for its own
                self.dismiss()
                raise

    def _answer(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def dismiss(self) -> None:
        """Let it end."""
        assert self.process.stdin
        with suppress(OSError):
            self.process.stdin.close()

    def farewell(self) -> Any:
        """Let it end; what it says at last, None if nothing."""
        self.dismiss()
        with suppress(ValueError):
            return self._answer()

    def _error(self) -> ChildError:
        status = self.process.wait()
        self._words.seek(0)
        ended = f"the process {f'crashed: {signal.Signals(-status).name}' if status < 0 else f'ended with status {status}'}"
        return ChildError(self._words.read().strip().rpartition("\n")[2] or ended, ended)


@contextmanager
def worker(module: str, *arguments: str, prefix: Sequence[str] = (), environ: Mapping[str, str] | None = None) -> Iterator[Child]:
    """Start a module that calls `serve`; kill it on leaving, with all of its group. `prefix` is the command that runs it."""
    with _started([*prefix, sys.executable, "-m", module, *arguments], environ) as child:
        try:
            yield child
        finally:
            with suppress(ProcessLookupError, PermissionError):  # the second: on macOS, for a group of zombies
                os.killpg(child.process.pid, signal.SIGKILL)


@contextmanager
def keeper(module: str) -> Iterator[Child]:
    """Start a module that calls `keep`; on leaving have it undo what it made, and wait for that."""
    with _started([sys.executable, "-I", "-S", __file__, module]) as child:
        yield child


@contextmanager
def _started(command: Sequence[str], environ: Mapping[str, str] | None = None) -> Iterator[Child]:
    with (
        tempfile.TemporaryFile("w+", errors="replace") as words,
        subprocess.Popen(
            command,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            start_new_session=True,
            text=True,
        ) as process,
    ):
        child = Child(process, words)
        try:
            yield child
        finally:
            # Popen would do this on leaving, but wait a quarter of a second only after a KeyboardInterrupt.
            child.dismiss()
            process.wait()


def orders(every: float = 1.0) -> Iterator[Any]:
    """In the child: what is ordered, until the parent closes the pipe or is gone.

    A process that the parent forked holds the pipe open after its death: look at both, at the parent `every` so many seconds.
    """
    parent, rest = os.getppid(), b""
    while os.getppid() == parent:
        if not select.select([0], [], [], every)[0]:
            continue
        if not (read := os.read(0, 65_536)):
            return
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            parent, order = json.loads(line)
            yield order


def answer(value: Any, to: IO[str] | None = None) -> None:
    """In the child: say it, if there is somebody to hear it."""
    with suppress(OSError):
        print(json.dumps(value), file=to, flush=True)


def serve(respond: Callable[[Any], Any], every: float = 1.0) -> None:
    """In a worker: answer each order with what `respond` returns; end with the parent, even in the middle of one."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what anybody prints is no answer
    ordered: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def read() -> None:
        for order in orders(every):
            ordered.put(order)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        answer(respond(ordered.get()), answers)


def keep(make: Callable[[Any], AbstractContextManager[Any]]) -> None:
    """In a keeper: make what is ordered, answer with its facts, and undo it once the parent has left or a signal ends this."""
    for number in ENDING_SIGNALS:
        signal.signal(number, _leave)
    given = orders()
    try:
        for order in given:
            with make(order) as facts:
                answer(facts)
                next(given, None)
    except (ChildError, OSError, subprocess.SubprocessError) as error:
        sys.exit(" ".join(str(error).split()))


def _leave(*_: object) -> None:
    """By way of the clean-up, which a second signal does not cut short."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(1)


if __name__ == "__main__":  # a keeper: nothing is on the path but the standard library
    sys.path.insert(0, str(Path(__file__).parents[2]))
    runpy.run_module(sys.argv[1], run_name="__main__")
