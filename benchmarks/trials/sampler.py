"""What the server, the database and the machine spend while a load runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import psutil

FIRST_SECONDS, SAMPLE_SECONDS = 0.01, 0.2
"""Until the first look at threads and connections, for a load may be short, and from one to the next."""

Counter = Callable[[], int]


def tree(pid: int) -> list[psutil.Process]:
    """A process and its descendants; those that ended may be among them."""
    found, known = [], [pid]
    for one in known:
        with suppress(psutil.NoSuchProcess):
            found.append(_process(one))
            known += _children(one)
    return found


@lru_cache(4096)
def _process(pid: int) -> psutil.Process:
    return psutil.Process(pid)


def _children(pid: int) -> list[int]:
    """Linux lists them itself, if it is built to; psutil looks through all processes."""
    try:
        lists = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return [child.pid for child in psutil.Process(pid).children()]
    return [int(child) for one in lists for child in one.split()]


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, of its descendants, and of its children that ended."""
    total = 0.0
    for place, process in enumerate(tree(pid)):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            times = process.cpu_times()
            total += max(_exact(process.pid), times.user + times.system)  # threads that ended are in the second alone
            if place == 0:
                total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


def postgres_cpu_seconds(pid: int) -> float:
    """The same of PostgreSQL in a quarter of the time: its processes are children of its first and have one thread each."""
    if not Path("/proc/self/schedstat").exists():
        return cpu_seconds(pid)
    try:
        ended = _process(pid).cpu_times()
        return ended.children_user + ended.children_system + sum(map(_exact, (pid, *_children(pid))))
    except psutil.NoSuchProcess:
        return 0.0


def _exact(pid: int) -> float:
    """CPU seconds of a process's first thread by Linux's scheduler, else 0: `cpu_times` cuts those of each process to 10 ms."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/schedstat").read_bytes().split()[0]) / 1e9
    return 0.0


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
class Usage:
    """What was spent while `metering`, by now: CPU times in seconds, of the machine in all and as far as the host withheld it,
    and the largest samples of threads and connections. None where it cannot be known."""

    server_cpu: float = 0.0
    database_cpu: float | None = None
    machine: float = 0.0
    steal: float = 0.0
    threads: int = 0
    connections: int | None = None

    @property
    def stolen(self) -> float:
        """Share of the machine's time that the host withheld."""
        return self.steal / self.machine if self.machine else 0.0


@contextmanager
def metering(usage: Usage, server: int, database: int | None, connections: Counter | None) -> Iterator[None]:
    """Add to `usage` what the processes with these pids spend until leaving.

    Before and after it the server should be idle: then nothing is lost between the system's clock ticks.
    """
    ended = threading.Event()

    def sample() -> None:
        pause = FIRST_SECONDS
        while not ended.wait(pause):
            usage.threads = max(usage.threads, threads(server))
            if connections is not None:
                usage.connections = max(usage.connections or 0, connections())
            pause = SAMPLE_SECONDS

    before = _spent(server, database)
    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield
    finally:
        ended.set()
        sampler.join()
        after = _spent(server, database)
        usage.server_cpu += max(0.0, after[0] - before[0])  # they may have crashed
        usage.machine += after[1] - before[1]
        usage.steal += after[2] - before[2]
        if database is not None:
            usage.database_cpu = (usage.database_cpu or 0.0) + max(0.0, after[3] - before[3])


def _spent(server: int, database: int | None) -> tuple[float, float, float, float]:
    """By the server, by and from the machine, by the database."""
    times = psutil.cpu_times()
    stolen = getattr(times, "steal", 0.0)
    return cpu_seconds(server), sum(times), stolen, 0.0 if database is None else postgres_cpu_seconds(database)
