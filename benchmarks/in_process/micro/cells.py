"""What is measured, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.raw import NO_DATABASE
from benchmarks.raw.micro import Group
from benchmarks.subjects.scenarios import IN_PROCESS


@dataclass(frozen=True)
class Cell:
    """One contender in one group, in pass `number`, counted from 1."""

    number: int
    group: Group
    contender: str

    @property
    def name(self) -> str:
        """As pytest shows it; without the pass."""
        where = [] if self.group.database == NO_DATABASE else [self.group.database]
        return "-".join([*where, self.group.scenario, self.contender])


def groups(databases: Sequence[str], scenarios: Sequence[str]) -> list[Group]:
    """The comparisons, first those without a database; `scenarios` empty for all."""
    chosen = [scenario for name, scenario in IN_PROCESS.items() if name in scenarios or not scenarios]
    return [
        Group(database, one.name, one.title, one.batch or 1, one.unit, one.models, one.baseline, one.control)
        for database in (NO_DATABASE, *databases)
        for one in chosen
        if one.database == (database != NO_DATABASE)
    ]


def passes(groups: Sequence[Group], count: int, seed: int) -> list[Cell]:
    """All trials in order: in every pass each group once, its contenders one after the other in shuffled order."""
    random = Random(seed)
    return [
        Cell(number, group, contender)
        for number in range(1, count + 1)
        for group in groups
        for contender in random.sample(group.contenders, len(group.contenders))
    ]
