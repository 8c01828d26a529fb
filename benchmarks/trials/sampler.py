"""What the server, the database and the machine spend while a load runs, sampled beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
import psutil

SERVER_SECONDS = 0.2
DATABASE_SECONDS = 1.0
"""Between two samples; looking at PostgreSQL's many processes takes some milliseconds."""

Counter = Callable[[], float]


def tree(pid: int) -> list[psutil.Process]:
    """A process and its descendants."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, of its descendants, and of its children that ended."""
    total = 0.0
    for place, process in enumerate(tree(pid)):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            times = process.cpu_times()
            total += times.user + times.system
            if place == 0:
                total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


def memory(pid: int) -> int:
    """Bytes: proportional set sizes, in which what processes share is counted once; resident ones where there are none."""
    total = 0
    for process in tree(pid):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            info = process.memory_full_info()
            total += int(getattr(info, "pss", info.rss))
    return total


def threads(pid: int) -> int:
    """Threads of a process and its descendants."""
    total = 0
    for process in tree(pid):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            total += process.num_threads()
    return total


@dataclass
class Series:
    """Values of a growing counter, or of a level, with their instants on time.monotonic()."""

    instants: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, value: float) -> None:
        """Now."""
        self.instants.append(time.monotonic())
        self.values.append(value)

    def growth(self, began: float, ended: float) -> float:
        """How much it grew between two instants, on straight lines between the samples."""
        first, last = np.interp([began, ended], self.instants, self.values)
        return float(last - first)

    def mean(self, began: float, ended: float) -> float | None:
        """Of the samples between two instants; None where there are none."""
        found = [value for instant, value in zip(self.instants, self.values, strict=False) if began <= instant <= ended]
        return sum(found) / len(found) if found else None

    @property
    def largest(self) -> float:
        """The largest value; 0 where there is none."""
        return max(self.values, default=0.0)


@dataclass
class Samples:
    """What was sampled; `database_cpu` and `connections` are empty where they cannot be, `speed` is the probe's mean."""

    server_cpu: Series = field(default_factory=Series)
    server_threads: Series = field(default_factory=Series)
    database_cpu: Series = field(default_factory=Series)
    connections: Series = field(default_factory=Series)
    steal: Series = field(default_factory=Series)
    machine: Series = field(default_factory=Series)
    speed: float | None = None


@contextmanager
def sampling(server: int, database: int | None, connections: Counter | None) -> Iterator[Samples]:
    """Sample the processes with these pids, and `connections`, until leaving."""
    samples, ended = Samples(), threading.Event()

    def server_once() -> None:
        samples.server_cpu.add(cpu_seconds(server))
        samples.server_threads.add(threads(server))

    def database_once() -> None:
        times = psutil.cpu_times()
        samples.steal.add(getattr(times, "steal", 0.0))
        samples.machine.add(sum(times))
        if database is not None:
            samples.database_cpu.add(cpu_seconds(database))
        if connections is not None:
            samples.connections.add(connections())

    def loop(once: Callable[[], None], seconds: float) -> None:
        once()
        while not ended.wait(seconds):
            once()
        once()

    running: Sequence[threading.Thread] = [
        threading.Thread(target=loop, args=(server_once, SERVER_SECONDS), daemon=True),
        threading.Thread(target=loop, args=(database_once, DATABASE_SECONDS), daemon=True),
    ]
    for thread in running:
        thread.start()
    try:
        yield samples
    finally:
        ended.set()
        for thread in running:
            thread.join()
