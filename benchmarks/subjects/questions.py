"""What a reader wants to know, and what decides it. Adding a question is one entry in `QUESTIONS`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.raw import NO_DATABASE
from benchmarks.raw.load import Load
from benchmarks.subjects.contenders import BASELINE

Found = Literal["gains", "same", "loses", "fails"]
"""What can come of a question; else it is undecided."""


@dataclass(frozen=True)
class Question:
    """Whether `contender` does better than `against`, by one quantity, in one cell.

    `words` are a plain sentence for each outcome, in which {times} is the ratio: 0.9, or 2.5. Without one for an outcome the
    general one is said. `profiles` ask it, all if none is named.
    """

    name: str
    asks: str
    database: str
    scenario: str
    load: Load
    contender: str
    against: str = BASELINE
    quantity: Literal["cpu", "throughput"] = "cpu"
    words: Mapping[Found, str] = field(default_factory=dict)
    profiles: tuple[str, ...] = ()

    @property
    def where(self) -> tuple[str, str, str]:
        """Database, scenario and load of its cell."""
        return self.database, self.scenario, self.load.name

    @property
    def contenders(self) -> tuple[str, str]:
        """Who is compared."""
        return self.contender, self.against

    def sentence(self, found: Found | None) -> str:
        """What is said of an outcome, None of one that is undecided."""
        if found is None:
            return "Undecided: this takes more rounds."
        return self.words.get(found) or GENERAL[self.quantity][found]


GENERAL: Mapping[str, Mapping[Found, str]] = {
    "cpu": {
        "gains": "Yes: {times} times the CPU.",
        "same": "No: the same CPU, within 5 %.",
        "loses": "No: {times} times the CPU.",
        "fails": "No: it fails.",
    },
    "throughput": {
        "gains": "Yes: {times} times the requests a second.",
        "same": "No: as many requests a second, within 5 %.",
        "loses": "No: {times} times the requests a second.",
        "fails": "No: it fails.",
    },
}
DOCUMENTED: Mapping[Found, str] = {
    "gains": "It works, with {times} times the CPU.",
    "same": "It works, at the same cost.",
    "loses": "It costs {times} times the CPU.",
    "fails": "It fails.",
}
COSTS: Mapping[Found, str] = {
    "gains": "Less: {times} times the CPU.",
    "same": "Nothing: the same CPU, within 5 %.",
    "loses": "It costs {times} times the CPU.",
}
ONE, FEW, MANY = Load(1), Load(8), Load(64)

QUESTIONS: dict[str, Question] = {
    question.name: question
    for question in (
        Question(
            "documented-postgresql",
            "Async as documented, PostgreSQL",
            "postgresql",
            "mixed",
            FEW,
            "async-documented",
            words=DOCUMENTED,
        ),
        Question("documented-sqlite", "Async as documented, SQLite", "sqlite", "read", FEW, "async-documented", words=DOCUMENTED),
        Question("ordinary-native", "Reads, lists, writes, PostgreSQL, native", "postgresql", "mixed", FEW, "async-native"),
        Question("ordinary-loop", "Reads, lists, writes, PostgreSQL, loop", "postgresql", "mixed", FEW, "async-loop"),
        Question("sqlite-native", "Reads, SQLite, native", "sqlite", "read", FEW, "async-native"),
        Question(
            "waits-threads",
            "Queries of 50 ms, 64 connections: 64 threads",
            "postgresql",
            "slow-50",
            MANY,
            "sync-threads-64",
            quantity="throughput",
        ),
        Question(
            "waits-native",
            "The same: CPU of native over 64 threads",
            "postgresql",
            "slow-50",
            MANY,
            "async-native",
            "sync-threads-64",
        ),
        Question(
            "fan-out",
            "Six queries, several at once, one client: native",
            "postgresql",
            "fan-out",
            ONE,
            "async-native",
            quantity="throughput",
        ),
        Question("empty-loop", "An empty async view, loop", NO_DATABASE, "noop", FEW, "async-loop", words=COSTS),
        Question("empty-native", "An empty async view, native", NO_DATABASE, "noop", FEW, "async-native", words=COSTS),
        *(
            Question(
                f"peer-{name.lower()}",
                f"Reading a book, PostgreSQL: native over {name}",
                "postgresql",
                "read",
                FEW,
                "async-native",
                f"peer-{name.lower()}",
                words=COSTS,
                profiles=("standard", "full"),
            )
            for name in ("Quart", "FastAPI", "Litestar")
        ),
    )
}
"""By name, in the order in which they are answered."""
