"""Keep a temporary folder, and a process in it where there is one to start, for as long as the process that asked for it lives.

`benchmarks.machinery.supervised` starts this file as a process of its own, with the standard library alone. It reads one line of
JSON from stdin (`main`), answers with one on stdout, `{"folder", "pid"}` or `{"error"}`, and waits for stdin to end: closed on
purpose or by the death of the parent. Then it ends the process and all of its group, and removes the folder.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import Any

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OUTPUT = "output"


def main() -> None:
    """Serve the one order on stdin: `command` (None for the folder alone), `environment`, `cores`, `prefix`, `parent`, `seconds`.

    `{folder}` in the command is replaced. The last line on stdout is `{"seconds"}`: how long it took to end the process.
    """
    for number in ENDING_SIGNALS:
        signal.signal(number, end)
    order = json.loads(sys.stdin.readline())
    folder = Path(tempfile.mkdtemp(prefix=order["prefix"]))
    try:
        if order["command"] is None:
            answer({"folder": str(folder), "pid": None})
            wait(order["parent"])
        else:
            run(order, folder)
    except OSError as error:
        answer({"error": " ".join(str(error).split())})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(order: dict[str, Any], folder: Path) -> None:
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
        answer({"folder": str(folder), "pid": process.pid})
        wait(order["parent"])
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


def wait(parent: int) -> None:
    """Until stdin ends. A child that the parent forked holds the pipe open after the parent's death: look at both."""
    while os.getppid() == parent and not select.select([sys.stdin], [], [], 1.0)[0]:
        pass


def answer(values: dict[str, Any]) -> None:
    """Write a line, if there is somebody to read it."""
    with contextlib.suppress(OSError):
        print(json.dumps(values), flush=True)


def end(_number: int, _frame: FrameType | None) -> None:
    """Leave by way of the clean-up, which a second signal does not cut short."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(1)


if __name__ == "__main__":
    main()
