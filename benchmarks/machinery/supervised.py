"""Folders and processes that end with this process, even when it is killed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machinery.child import keeper

PREFIX = "flask-async-tradeoffs-"
STOP_SECONDS = 10.0
"""How long a process may take to end after SIGTERM; then its group is killed."""
KEEPER = "benchmarks.machinery._supervisor"


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
    with keeper(KEEPER) as child:
        yield Path(child.ask({"prefix": PREFIX, "command": None})["folder"])


@contextmanager
def supervise(command: Sequence[str], environment: Mapping[str, str], cores: Sequence[int] = ()) -> Iterator[Supervised]:
    """Run the command in an empty folder, on these cores if any are named, until leaving. Raises `ChildError`."""
    with keeper(KEEPER) as child:
        order = {"command": command, "environment": dict(environment), "cores": cores, "seconds": STOP_SECONDS}
        facts = child.ask({"prefix": PREFIX, **order})
        process = Supervised(Path(facts["folder"]), facts["pid"])
        try:
            yield process
        finally:
            process.stop_seconds = (child.farewell() or {}).get("seconds", 0.0)
