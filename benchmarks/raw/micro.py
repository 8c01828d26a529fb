"""Raw files of the in-process comparison."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.raw import read_run


@dataclass(frozen=True)
class Group:
    """A comparison as it was run: a scenario on a database, how many `unit`s make a batch, who is compared with whom."""

    database: str
    scenario: str
    title: str
    batch: int
    unit: str
    contenders: tuple[str, ...]
    baseline: str
    control: str


@dataclass(frozen=True)
class MicroHeader:
    """What was run, on what. `seconds` is the time planned for a trial, its warm-up included."""

    started: str
    command: str
    seed: int
    passes: int
    seconds: float
    books: int
    databases: Mapping[str, Mapping[str, str]]
    groups: tuple[Group, ...]
    contenders: Mapping[str, str]
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]
    kind: str = "micro"
    schema: int = 1


@dataclass(frozen=True)
class MicroCheck:
    """Whether a contender answers right, asked before it is measured; `problem` None where it does.

    `scenario` may also be "together": several callers at the same time.
    """

    database: str
    contender: str
    scenario: str
    problem: str | None


@dataclass(frozen=True)
class MicroTrial:
    """One contender under one scenario, once. Times are per request, call or session, in microseconds.

    `wall` is the median of the batches; `cpu` is of the whole process, all its threads, over all batches.
    """

    number: int
    database: str
    scenario: str
    contender: str
    requests: int
    wall: float
    cpu: float


@dataclass
class MicroRun:
    """A raw file that was read. `number` of a trial counts its pass from 1."""

    header: MicroHeader
    checks: list[MicroCheck] = field(default_factory=list)
    trials: list[MicroTrial] = field(default_factory=list)

    def problem(self, database: str, scenario: str, contender: str) -> str | None:
        """Why the contender was not, or not to the end, measured there; None where nothing was wrong."""
        found = (c.problem for c in self.checks if (c.database, c.scenario, c.contender) == (database, scenario, contender))
        return next((problem for problem in found if problem), None)


def read(path: Path) -> MicroRun:
    """Read a raw file. Raises `ResultsError`."""
    return read_run(path, MicroRun)
