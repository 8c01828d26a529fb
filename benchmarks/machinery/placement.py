"""What runs on which cores: the server on one of its own where there are two or more, everything else on the others."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from benchmarks.machinery.sampler import tree


@dataclass(frozen=True)
class Placement:
    """Cores by number; empty where processes are not pinned."""

    server: tuple[int, ...] = ()
    others: tuple[int, ...] = ()

    @property
    def all(self) -> tuple[int, ...]:
        """Every core that may be used."""
        return (*self.server, *self.others)

    def cores(self) -> dict[str, int]:
        """How many there are, for this process sees only those that it was moved to; empty where it was not moved."""
        return {"cores": len(self.all)} if self.server else {}

    def facts(self, *, database_here: bool) -> dict[str, str]:
        """In words."""
        server = others = "not pinned"
        if self.server:
            server = f"core {self.server[0]}"
            others = f"core{'s' if len(self.others) > 1 else ''} {', '.join(map(str, self.others))}"
        return {"server": server, "generator": others, "database": others if database_here else "elsewhere"}


def choose() -> Placement:
    """By the cores that this process may use."""
    if not hasattr(os, "sched_getaffinity"):
        return Placement()
    first, *others = sorted(os.sched_getaffinity(0))
    return Placement((first,), tuple(others)) if others else Placement()


@contextmanager
def placed(placement: Placement, database: int | None) -> Iterator[None]:
    """Move this process and the database's, whose first one is `database`, off the server's core; this one back on leaving."""
    if not placement.server:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, placement.others)
    if database is not None:
        move(database, placement.others)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def move(pid: int, cores: Sequence[int]) -> None:
    """Move a process, its descendants, and the threads that they have, to these cores; nowhere if none are named."""
    for process in tree(pid) if cores else ():
        with suppress(psutil.NoSuchProcess):
            for thread in process.threads():
                with suppress(ProcessLookupError):
                    os.sched_setaffinity(thread.id, cores)
