"""What a reader is in, and which cells decide what to do there: the rows of the answer table. Adding one is one entry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.analysis.cells import Name
from benchmarks.analysis.verdict import Finding
from benchmarks.report.comparisons import Comparison, deciding, pooled


@dataclass(frozen=True)
class Situation:
    """Scenarios on a database, judged together by one quantity, at the load that compares most contenders."""

    label: str
    database: str
    scenarios: tuple[str, ...]
    quantity: Name
    link: str


SITUATIONS = (
    Situation("Read a row, PostgreSQL", "postgresql", ("read",), "cpu", "ordinary-requests"),
    Situation("Lists and writes, PostgreSQL", "postgresql", ("list", "create", "update"), "cpu", "ordinary-requests"),
    Situation("Read a row, SQLite", "sqlite", ("read",), "cpu", "sqlite"),
    Situation("Write a row, SQLite", "sqlite", ("create",), "throughput", "sqlite"),
    Situation("Queries of 50 ms, 64 clients", "postgresql", ("slow-50",), "throughput", "waiting-and-fanning-out"),
    Situation("Six queries, 8 clients", "postgresql", ("fan-out",), "cpu", "waiting-and-fanning-out"),
)
CHOICES = ("sync-threads-64", "sync-gevent", "async-documented", "async-loop", "async-native")
"""What one can choose in place of the baseline, from the least change to the most."""
QUANTITIES: Mapping[Name, str] = {
    "cpu": "CPU a request",
    "throughput": "requests/s",
    "database": "CPU of the database",
    "p50": "p50",
    "p99": "p99",
}


@dataclass(frozen=True)
class Judged:
    """A situation with what was found of each choice that the run has, by name."""

    situation: Situation
    findings: Mapping[str, Finding]

    @property
    def label(self) -> str:
        """With its quantity."""
        return f"{self.situation.label} ({QUANTITIES[self.situation.quantity]})"


def judged(found: Sequence[Comparison]) -> tuple[Judged, ...]:
    """Every situation all of whose scenarios the run has."""
    return tuple(
        Judged(one, {name: pooled(chosen, name, one.quantity) for name in CHOICES})
        for one in SITUATIONS
        if len(chosen := cells_of(found, one.database, one.scenarios)) == len(one.scenarios)
    )


def cells_of(found: Sequence[Comparison], database: str, scenarios: Sequence[str], load: str = "") -> list[Comparison]:
    """The cells of these scenarios under that load, or under the one that decides; in the order of the scenarios."""
    here = {
        one.scenario: one
        for one in (deciding(found) if not load else found)
        if one.database == database and load in ("", one.load.name)
    }
    return [here[name] for name in scenarios if name in here]
