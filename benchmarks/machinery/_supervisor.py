"""The keeper of a temporary folder, and of a process in it where there is one to start.

`benchmarks.machinery.supervised` orders it: `{"prefix", "command", "environment", "cores", "seconds"}`. Where `command` is None
there is nothing but the folder; `{folder}` in it is replaced. The answer is `{"folder", "pid"}`. In the end it ends the process
and all of its group, says `{"seconds"}`, how long the process took to end, and removes the folder.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.machinery.child import answer, keep

OUTPUT = "output"


@contextlib.contextmanager
def kept(order: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The folder, and what runs in it."""
    folder = Path(tempfile.mkdtemp(prefix=order["prefix"]))
    try:
        if order["command"] is None:
            yield {"folder": str(folder)}
        else:
            with running(order, folder) as pid:
                yield {"folder": str(folder), "pid": pid}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running(order: dict[str, Any], folder: Path) -> Iterator[int]:
    """Start the process, and end it when it is time."""
    if order["cores"]:
        os.sched_setaffinity(0, order["cores"])
    empty = folder / "empty"
    empty.mkdir()
    with (folder / OUTPUT).open("wb") as output:
        process = subprocess.Popen(
            [part.replace("{folder}", str(folder)) for part in order["command"]],
            cwd=empty,
            env={**os.environ, **order["environment"]},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process.pid
    finally:
        began = time.monotonic()
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(order["seconds"])
        seconds = time.monotonic() - began
        with contextlib.suppress(ProcessLookupError, PermissionError):  # the second: on macOS, for a group of zombies
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        answer({"seconds": seconds})


if __name__ == "__main__":
    keep(kept)
