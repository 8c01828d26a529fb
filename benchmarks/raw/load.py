"""Raw files of the load benchmark: real servers, trial by trial."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Self

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks.load import Histogram
from benchmarks.load.histogram import MOST
from benchmarks.raw import read_run
from benchmarks.raw.problem import Problem

Count = Annotated[int, msgspec.Meta(ge=0)]


@dataclass(frozen=True, order=True)
class Load:
    """A closed loop with so many `connections`, or an open one at `percent` of the slowest right contender's capacity."""

    connections: int
    percent: int | None = None

    @property
    def name(self) -> str:
        """Such as `closed-32` or `open-60`."""
        return f"closed-{self.connections}" if self.percent is None else f"open-{self.percent}"


@dataclass(frozen=True)
class LoadCell:
    """A comparison: a scenario on a database under a load, by these contenders, in so many rounds.

    In each round every contender has a trial of `seconds`, cut into `slices` between those of the others.
    """

    database: str
    scenario: str
    load: Load
    rounds: int
    seconds: float
    slices: int
    contenders: tuple[str, ...]


@dataclass(frozen=True)
class LoadHeader:
    """What was run, on what.

    `contenders` and `scenarios` are their facts by name (see `subjects.contenders` and `subjects.scenarios`);
    `databases` are version and settings by kind; `placement` says what ran on which cores; `code` is what async costs in code.
    """

    started: str
    command: str
    profile: str
    seed: int
    books: int
    warmup: float
    cells: tuple[LoadCell, ...]
    baseline: str
    control: str
    contenders: Mapping[str, Mapping[str, Any]]
    scenarios: Mapping[str, Mapping[str, Any]]
    databases: Mapping[str, Mapping[str, str]]
    placement: Mapping[str, str]
    environment: Mapping[str, Any]
    code: Mapping[str, Any]
    kind: str = "load"
    schema: int = 3


@dataclass(frozen=True)
class LoadCheck:
    """Whether a contender answers right before it is measured: `problem` is None where it does.

    `scenario` may also be "together": all its scenarios at once, from several connections.
    """

    database: str
    contender: str
    scenario: str
    problem: Problem | None


@dataclass(frozen=True)
class Failure:
    """A contender that went wrong in a trial; it is not driven on in this scenario."""

    database: str
    scenario: str
    contender: str
    load: str
    problem: Problem


@dataclass(frozen=True)
class Rate:
    """The capacity, in requests a second, that the open loops of a scenario are percentages of, and whose it is."""

    database: str
    scenario: str
    capacity: float
    slowest: str


INTEGERS, PERHAPS = ("turn", "turns", "answered", "switches"), ("switches", "database_cpu")
"""Columns of slices that hold whole numbers, and those that may be unknown."""


def require_apart(turn: npt.NDArray[np.int64], turns: npt.NDArray[np.int64]) -> None:
    """Raise ValueError unless each slice, from the pass `turn` on, spans `turns` passes, at least one, and none overlap."""
    if len(turn) and (turns.min() < 1 or (turn[1:] < turn[:-1] + turns[:-1]).any()):
        raise ValueError("slices must span at least one pass each, and not overlap")


@dataclass(frozen=True)
class SliceColumns:
    """A trial's slices in the order of time, as columns of equal length: the first entries are those of the first slice.

    The contenders of a round are passed over again and again. A slice began in the pass `turn`, counted from 0, and stands for
    the slices of `turns` passes: 1, or more of a contender whose answers take long. CPU times are in seconds, of the whole tree
    of processes. Raises ValueError for columns of unequal lengths.
    """

    turn: Sequence[int]
    turns: Sequence[int]
    began: Sequence[float]  # seconds after the first pass of the round
    seconds: Sequence[float]  # that it took; in a closed loop to the last right answer
    answered: Sequence[int]  # right answers
    server_cpu: Sequence[float]
    switches: Sequence[int] | None  # context switches of the server's threads; None where the system does not count them
    database_cpu: Sequence[float] | None  # None where it runs elsewhere, or within the server's process
    steal: Sequence[float]  # share of all cores that the host withheld

    def __post_init__(self) -> None:
        columns = (getattr(self, one.name) for one in fields(self))
        if len({len(column) for column in columns if column is not None}) > 1:
            raise ValueError("the columns of slices are not of equal length")
        require_apart(np.asarray(self.turn), np.asarray(self.turns))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What was written; ValueError or TypeError where an entry is no number, KeyError without a column."""

        def column(name: str) -> tuple[float, ...] | None:
            found = data[name]
            if found is None and name in PERHAPS:
                return None
            if not all(-MOST < value < MOST for value in found):
                raise ValueError(f"{name} of a slice is out of range")
            return tuple(map(int if name in INTEGERS else float, found))

        return cls(**{one.name: column(one.name) for one in fields(cls)})  # type: ignore[arg-type]


@dataclass(frozen=True)
class LoadTrial:
    """One contender under one load in one round: all its slices. Of the warm-up nothing counts but its errors.

    CPU times are in seconds, over all slices, of the whole tree of processes: the server's by the scheduler, to the nanosecond;
    what of it was in user and in system mode by the system's clock ticks, which say little of a single slice. Memory is in
    bytes, at the end of the load, proportional set sizes where the system has them; threads and connections are the largest
    samples.
    """

    round: int
    database: str
    scenario: str
    load: str
    contender: str
    connections: int
    rate: float | None  # intended requests a second of an open loop
    slices: SliceColumns
    latency: Mapping[str, Histogram]  # of right answers, by kind of request; in an open loop but for those in `first_second`
    errors: Mapping[str, Count]  # by benchmarks.load.FailureKind
    examples: Mapping[str, str]
    lateness: Histogram  # the generator's own, in an open loop
    acknowledged: int | None  # writes that were answered right, warm-up included
    stored: int | None  # what the database had of them afterwards
    server_user: float
    server_system: float
    server_memory: int
    server_threads: int
    database_connections: int | None
    generator_cpu: float  # share of a core
    start_seconds: float  # until the server answered
    first_second: Histogram | None = None  # latency in the first second of the turns of an open loop, which is apart
    collections: Sequence[float] | None = None  # seconds that each collection of the oldest generation took in the server

    @property
    def count(self) -> int:
        """Right answers."""
        first = self.first_second.count if self.first_second else 0
        return first + sum(histogram.count for histogram in self.latency.values())

    @property
    def seconds(self) -> float:
        """How long the slices took."""
        return sum(self.slices.seconds)

    @property
    def server_cpu(self) -> float:
        """CPU time of the server."""
        return sum(self.slices.server_cpu)

    @property
    def database_cpu(self) -> float | None:
        """CPU time of the database; None where it runs elsewhere, or within the server's process."""
        return None if self.slices.database_cpu is None else sum(self.slices.database_cpu)

    @property
    def steal(self) -> float:
        """Share of all cores that the host withheld, in the mean over the time of the slices."""
        shares = zip(self.slices.steal, self.slices.seconds, strict=True)
        return sum(share * seconds for share, seconds in shares) / self.seconds

    @property
    def throughput(self) -> float:
        """Right answers a second."""
        return self.count / self.seconds

    @property
    def cpu_per_request(self) -> float:
        """Seconds of the server's CPU time per right answer."""
        return self.server_cpu / self.count

    @property
    def overall(self) -> Histogram:
        """The latency of all kinds of request."""
        return Histogram.merged(self.latency.values())


@dataclass(frozen=True)
class Ceiling:
    """What the generator itself can do on its core: requests a second to a server that does nothing, CPU seconds for each."""

    loop: str
    connections: int
    throughput: float
    cpu_per_request: float


@dataclass(frozen=True)
class Crosscheck:
    """Capacity as the generator and wrk saw it, in turns, on the same server: requests a second, paired."""

    database: str
    scenario: str
    contender: str
    connections: int
    generator: Sequence[float]
    wrk: Sequence[float]


@dataclass
class LoadRun:
    """A raw file that was read."""

    header: LoadHeader
    checks: list[LoadCheck] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    rates: list[Rate] = field(default_factory=list)
    trials: list[LoadTrial] = field(default_factory=list)
    ceilings: list[Ceiling] = field(default_factory=list)
    crosschecks: list[Crosscheck] = field(default_factory=list)

    @property
    def planned(self) -> int:
        """Trials in a complete run; those of contenders that fail are not among them."""
        places = ((cell, name) for cell in self.header.cells for name in cell.contenders)
        return sum(cell.rounds for cell, name in places if not self.problem(cell.database, cell.scenario, name))

    @property
    def done(self) -> int:
        """Trials of the run that count towards `planned`."""
        return sum(not self.problem(one.database, one.scenario, one.contender) for one in self.trials)

    def problem(self, database: str, scenario: str, contender: str, load: str = "") -> Problem | None:
        """Why the contender was not, or not to the end, measured there, under any load or under that one; None where nothing was
        wrong."""
        where = (database, scenario, contender)
        found: list[LoadCheck | Failure] = [*self.checks, *(one for one in self.failures if load in ("", one.load))]
        return next((one.problem for one in found if (one.database, one.scenario, one.contender) == where and one.problem), None)


def read(path: Path) -> LoadRun:
    """Read a raw file. Raises `ResultsError`."""
    run = read_run(path, LoadRun)
    trials: dict[tuple[Any, ...], LoadTrial] = {}
    for trial in run.trials:
        place = (trial.round, trial.database, trial.scenario, trial.load, trial.contender)
        trials.pop(place, None)  # of a round that was not recorded whole, and done again when the run was resumed
        trials[place] = trial
    run.trials = list(trials.values())
    return run
