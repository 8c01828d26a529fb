"""Raw files of the load benchmark: real servers, trial by trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.load import Histogram
from benchmarks.raw import malformed, read_lines, record, require

SCHEMA = 2


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
class Cell:
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
class Header:
    """What was run, on what.

    `contenders` and `scenarios` are their facts by name (see `benchmarks.contenders` and `benchmarks.scenarios`);
    `databases` are version and settings by kind; `placement` says what ran on which cores; `code` is what async costs in code.
    """

    started: str
    command: str
    profile: str
    seed: int
    books: int
    warmup: float
    cells: tuple[Cell, ...]
    baseline: str
    control: str
    contenders: Mapping[str, Mapping[str, Any]]
    scenarios: Mapping[str, Mapping[str, Any]]
    databases: Mapping[str, Mapping[str, str]]
    placement: Mapping[str, str]
    environment: Mapping[str, Any]
    code: Mapping[str, Any]
    kind: str = "load"
    schema: int = SCHEMA


@dataclass(frozen=True)
class Check:
    """Whether a contender answers right before it is measured: `problem` is None where it does.

    `scenario` may also be "together": all its scenarios at once, from several connections.
    """

    database: str
    contender: str
    scenario: str
    problem: str | None


@dataclass(frozen=True)
class Failure:
    """A contender that went wrong in a trial; it is not driven on in this scenario."""

    database: str
    scenario: str
    contender: str
    load: str
    problem: str


@dataclass(frozen=True)
class Rate:
    """The capacity, in requests a second, that the open loops of a scenario are percentages of, and whose it is."""

    database: str
    scenario: str
    capacity: float
    slowest: str


@dataclass(frozen=True)
class Trial:
    """One contender under one load in one round: all its slices. Of the warm-up nothing counts but its errors.

    `seconds` is how long the slices took, those of a closed loop to the last answer. CPU times are in seconds, over all slices,
    of the whole tree of processes; memory is in bytes, at the end of the load, proportional set sizes where the system has them;
    threads and connections are the largest samples.
    """

    round: int
    database: str
    scenario: str
    load: str
    contender: str
    connections: int
    rate: float | None  # intended requests a second of an open loop
    seconds: float
    latency: Mapping[str, Histogram]  # of right answers, by kind of request
    errors: Mapping[str, int]  # by benchmarks.load.Failure
    examples: Mapping[str, str]
    lateness: Histogram  # the generator's own, in an open loop
    acknowledged: int | None  # writes that were answered right, warm-up included
    stored: int | None  # what the database had of them afterwards
    server_cpu: float
    server_memory: int
    server_threads: int
    database_cpu: float | None  # None where it runs elsewhere, or within the server's process
    database_connections: int | None
    generator_cpu: float  # share of a core
    steal: float  # share of all cores that the host withheld
    start_seconds: float  # until the server answered
    stop_seconds: float  # from SIGTERM to its end

    @property
    def count(self) -> int:
        """Right answers."""
        return sum(histogram.count for histogram in self.latency.values())

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
class Run:
    """A raw file that was read."""

    header: Header
    checks: list[Check] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    rates: list[Rate] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    ceilings: list[Ceiling] = field(default_factory=list)
    crosschecks: list[Crosscheck] = field(default_factory=list)

    def problem(self, database: str, scenario: str, contender: str) -> str | None:
        """Why the contender was not, or not to the end, measured there; None where nothing was wrong."""
        where = (database, scenario, contender)
        found: list[Check | Failure] = [*self.checks, *self.failures]
        return next((one.problem for one in found if (one.database, one.scenario, one.contender) == where and one.problem), None)


def read(path: Path) -> Run:
    """Read a raw file. Raises `ResultsError`."""
    first, *rest = read_lines(path)
    require(path, first, "load", SCHEMA)
    try:
        return _parse(first, rest)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise malformed(path) from None


def _parse(first: Mapping[str, Any], rest: Sequence[Mapping[str, Any]]) -> Run:
    cells = tuple(
        Cell(**{**cell, "load": Load(**cell["load"]), "contenders": tuple(cell["contenders"])}) for cell in first["cells"]
    )
    run = Run(record(Header, {**first, "cells": cells}))
    trials: dict[tuple[Any, ...], Trial] = {}
    lists: dict[str, tuple[type, list[Any]]] = {
        "check": (Check, run.checks),
        "failure": (Failure, run.failures),
        "rate": (Rate, run.rates),
        "ceiling": (Ceiling, run.ceilings),
        "crosscheck": (Crosscheck, run.crosschecks),
    }
    for line in rest:
        if line["line"] == "trial":
            histograms = {
                "latency": {name: Histogram.from_json(one) for name, one in line["latency"].items()},
                "lateness": Histogram.from_json(line["lateness"]),
            }
            trial = record(Trial, {**line, **histograms})
            place = (trial.round, trial.database, trial.scenario, trial.load, trial.contender)
            trials.pop(place, None)  # of a round that was not recorded whole, and done again when the run was resumed
            trials[place] = trial
        else:
            kind, found = lists[line["line"]]
            found.append(record(kind, line))
    run.trials = list(trials.values())
    return run
