"""What the server, the database and the machine spend while a load runs."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import NamedTuple

import psutil

PROC = "/proc"
SAMPLE_SECONDS = 0.15
"""From one look at threads and connections to the next, the first of them too: it costs the load something, so that there is none
in a short slice, but in its warm-up."""
CPUCLOCK_SCHED = 2
"""Of Linux: the clock of what the scheduler gave, in the last bits of a clock's number."""

ConnectionCount = Callable[[], int]


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
    if lists := _of_threads(pid, "children"):
        return [int(child) for one in lists.values() for child in one.split()]
    return [child.pid for child in psutil.Process(pid).children()]


def _of_threads(pid: int, name: str) -> dict[int, bytes]:
    """A file about each thread of a process, by thread; empty where there is none."""
    found = {}
    with suppress(OSError):
        for thread in os.listdir(f"{PROC}/{pid}/task"):  # noqa: PTH208 (with Path and its kind it takes three times as long)
            with suppress(OSError):
                found[int(thread)] = _read(f"{PROC}/{pid}/task/{thread}/{name}")
    return found


def _read(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY)
    try:
        return b"".join(iter(partial(os.read, file, 65_536), b""))
    finally:
        os.close(file)


class Times(NamedTuple):
    """CPU seconds: in all, and what of it was in user and in system mode."""

    cpu: float = 0.0
    user: float = 0.0
    system: float = 0.0


def cpu_times(processes: Sequence[psutil.Process]) -> Times:
    """Of these processes, with the threads and children of each that ended.

    Linux knows the sum to the nanosecond, but that of children that ended in units of 10 ms. So it does the parts, which are the
    sum shared out by how often the timer, every 1 to 10 ms, met the process in each mode (`cputime_adjust`): over a trial that is
    a sample of hundreds, over a slice of a few.
    """
    cpu = user = system = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            times = process.cpu_times()
            children = [getattr(times, name, 0.0) for name in ("children_user", "children_system")]
            cpu += (_exact(process.pid) or times.user + times.system) + sum(children)
            user += times.user + children[0]
            system += times.system + children[1]
    return Times(cpu, user, system)


def postgres_cpu_seconds(pid: int) -> float:
    """The sum for PostgreSQL in a fraction of the time: its processes are children of its first and have none."""
    try:
        if not _exact(pid):
            return cpu_times(tree(pid)).cpu
        ended = _process(pid).cpu_times()
        return ended.children_user + ended.children_system + sum(map(_exact, (pid, *_children(pid))))
    except psutil.NoSuchProcess:
        return 0.0


def _exact(pid: int) -> float:
    """CPU seconds of all threads that a process has and had, by Linux's scheduler; 0 elsewhere, and where there is no process.

    The number of the clock is what `clock_getcpuclockid(3)` gives. The files schedstat have the same by thread, those of threads
    that ended are gone, and to read 64 takes 300 times as long.
    """
    with suppress(OSError, AttributeError):
        return time.clock_gettime_ns(~pid << 3 | CPUCLOCK_SCHED) / 1e9
    return 0.0


def switches(processes: Sequence[psutil.Process]) -> dict[int, int]:
    """How often each thread of these processes was given a core; empty where no Linux counts that.

    That is how often it was taken from one, of itself or not. What threads had that ended is not known.
    """
    found: dict[int, int] = {}
    for process in processes:
        for thread, text in _of_threads(process.pid, "schedstat").items():
            if count := int(text.split()[2]):
                found[thread] = count
    return found


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
    """What was spent while `metering`, once that has ended: CPU times in seconds, context switches of the server, the share of
    all cores that the host withheld, and the largest samples of threads and connections. None where it cannot be known."""

    server: Times = field(default_factory=Times)
    switches: int | None = None
    database_cpu: float | None = None
    steal: float = 0.0
    threads: int = 0
    connections: int | None = None


@contextmanager
def metering(server: int, database: int | None, connections: ConnectionCount | None) -> Iterator[Usage]:
    """See what the processes with these pids spend until leaving.

    Before and after it the server should be idle: then nothing is lost between the system's clock ticks, and what is read
    (1 to 2 ms with 64 threads) costs the load nothing.
    """
    usage = Usage()
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            usage.threads = max(usage.threads, threads(server))
            if connections is not None:
                usage.connections = max(usage.connections or 0, connections())

    before = _spent(server, database)
    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield usage
    finally:
        ended.set()
        sampler.join()
        after = _spent(server, database)
        # They may have crashed, and then there is less than before.
        usage.server = Times(*(max(0.0, now - then) for now, then in zip(after.server, before.server, strict=True)))
        if before.switches:  # of the threads that are left
            usage.switches = sum(count - before.switches.get(thread, 0) for thread, count in after.switches.items())
        usage.steal = (after.stolen - before.stolen) / ((after.moment - before.moment) * (psutil.cpu_count() or 1))
        if database is not None:
            usage.database_cpu = max(0.0, after.database - before.database)


@dataclass(frozen=True)
class _Spent:
    """By now: by the server and by its threads, by the database, from the machine; `moment` is on the clock time.monotonic()."""

    server: Times
    switches: Mapping[int, int]
    database: float
    stolen: float
    moment: float


def _spent(server: int, database: int | None) -> _Spent:
    processes = tree(server)
    return _Spent(
        server=cpu_times(processes),
        switches=switches(processes),
        database=0.0 if database is None else postgres_cpu_seconds(database),
        stolen=getattr(psutil.cpu_times(), "steal", 0.0),
        moment=time.monotonic(),
    )
