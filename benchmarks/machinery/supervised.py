"""Folders and processes that end with this process, even when it is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFIX = "flask-async-tradeoffs-"
STOP_SECONDS = 10.0
"""How long a process may take to end after SIGTERM; then its group is killed."""


class SupervisionError(Exception):
    """The process could not be started; the message is the reason in one line."""


@dataclass
class Supervised:
    """A process (`pid`) in its `folder`; `stop_seconds` is how long it took to end, once it has."""

    folder: Path
    pid: int
    stop_seconds: float = 0.0

    @property
    def output(self) -> str:
        """What the process has written to stdout and stderr so far."""
        with suppress(OSError):
            return (self.folder / "output").read_text(errors="replace")
        return ""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of one's own; removed on leaving."""
    with _supervisor(None, {}, ()) as (reply, _):
        yield Path(reply["folder"])


@contextmanager
def supervise(command: Sequence[str], environment: Mapping[str, str], cores: Sequence[int] = ()) -> Iterator[Supervised]:
    """Run the command in an empty folder, on these cores if any are named, until leaving. Raises `SupervisionError`."""
    with _supervisor(list(command), environment, cores) as (reply, ended):
        process = Supervised(Path(reply["folder"]), reply["pid"])
        try:
            yield process
        finally:
            process.stop_seconds = ended().get("seconds", 0.0)


@contextmanager
def _supervisor(command: list[str] | None, environment: Mapping[str, str], cores: Sequence[int]) -> Iterator[Any]:
    order = {
        "command": command,
        "environment": dict(environment),
        "cores": list(cores),
        "prefix": PREFIX,
        "parent": os.getpid(),
        "seconds": STOP_SECONDS,
    }
    with subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).with_name("_supervisor.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout

        def ended() -> dict[str, Any]:
            assert process.stdin
            assert process.stdout
            with suppress(OSError):
                process.stdin.close()
            line = process.stdout.readline()
            return json.loads(line) if line else {}

        try:
            with suppress(BrokenPipeError):  # it ended at once, and its silence says so
                process.stdin.write(json.dumps(order) + "\n")
                process.stdin.flush()
            reply = json.loads(process.stdout.readline() or '{"error": "its supervisor ended"}')
            if "error" in reply:
                raise SupervisionError(reply["error"])
            yield reply, ended
        finally:
            # Popen would do this on leaving, but wait a quarter of a second only after a KeyboardInterrupt.
            with suppress(OSError):
                process.stdin.close()
            process.wait()
