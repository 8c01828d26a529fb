"""What trials need: databases, contenders that were found to answer right, and batches of work for them."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.callers import Batch, Caller
from benchmarks.checks import SECONDS, TOGETHER, Examination, Findings, TimeLimitExceeded, examine, reason, time_limit
from benchmarks.contenders import CONTENDERS, PORTALS
from benchmarks.data import SETTINGS, Databases, Kind
from benchmarks.postgres import Server
from benchmarks.results import NO_DATABASE, Check, Group
from benchmarks.scenarios import BOOKS, SCENARIOS

if TYPE_CHECKING:
    from benchmarks.micro.cells import Cell

WARM_UP_BATCHES = 2
OWN = {"portal"}
"""Scenarios whose contenders are no apps."""


class Laboratory:
    """Everything that is measured, open at the same time; `problems` are the cells that must not be measured."""

    def __init__(self, found: Callable[[Check], object]) -> None:
        """`found` is told of each finding."""
        self._found = found
        self.problems: dict[tuple[str, str, str], str] = {}
        self._callers: dict[tuple[str, str], Caller] = {}
        self._portals: dict[str, Callable[[int], Batch]] = {}
        self._databases: dict[str, Databases] = {}
        self._urls: dict[tuple[str, str], dict[str, str]] = {}
        self._numbers: dict[tuple[str, str, str], Iterator[int]] = defaultdict(count)

    def batch(self, cell: Cell) -> Batch:
        """The cell's next batch of work."""
        return self._batch(cell.group, cell.contender)

    def _batch(self, group: Group, contender: str, *, check: bool = False) -> Batch:
        if group.scenario in OWN:
            return self._portals[contender](group.batch)
        caller = self._callers[group.database, contender]
        request = SCENARIOS[group.scenario].request
        if request is None:
            return caller.sessions(group.batch)
        numbers = self._numbers[group.database, group.scenario, contender]
        return caller.batch([request(next(numbers)) for _ in range(group.batch)], check=check)

    def clean(self, cell: Cell) -> None:
        """Undo what a trial wrote."""
        if SCENARIOS[cell.group.scenario].writes:
            database, contender = cell.group.database, cell.contender
            self._databases[database].undo_writes(self._urls[database, contender])

    def make_databases(self, groups: Sequence[Group], server: Server | None, folder: Path) -> None:
        """Migrate and seed one of each kind; an app without work for its database has SQLite's. Raises `DataError`."""
        made: dict[str, Databases] = {}
        for label in dict.fromkeys(group.database for group in groups):
            kind: Kind = "postgresql" if label == "postgresql" else "sqlite"
            if kind not in made:
                made[kind] = Databases(kind, folder, server if kind == "postgresql" else None)
                made[kind].seed(BOOKS)
            self._databases[label] = made[kind]

    def facts(self) -> dict[str, dict[str, str]]:
        """Version and settings of each kind of database."""
        return {label: databases.facts() for label, databases in self._databases.items() if label != NO_DATABASE}

    def examine(self, groups: Sequence[Group]) -> None:
        """Give each contender its databases, and see whether it answers right."""
        examinations = []
        for label in dict.fromkeys(group.database for group in groups):
            scenarios = [group.scenario for group in groups if group.database == label and group.scenario not in OWN]
            for contender in CONTENDERS if scenarios else ():
                urls = self._databases[label].copy(f"{label}_{contender}".replace("-", "_"))
                self._urls[label, contender] = urls
                examinations.append(Examination(label, contender, {**SETTINGS, **urls}, scenarios))

        def note(examination: Examination, findings: Findings) -> None:
            for scenario, problem in findings.items():
                self._note(Check(examination.label, examination.contender, scenario, problem))
            self._databases[examination.label].undo_writes(self._urls[examination.label, examination.contender])

        examinations.sort(key=lambda examination: examination.contender != "documented")  # it may hang: the others go on
        examine(examinations, note)

    def _note(self, check: Check) -> None:
        self._found(check)
        if check.problem and check.scenario != TOGETHER:
            self.problems[check.database, check.scenario, check.contender] = check.problem

    @contextmanager
    def open(self, groups: Sequence[Group]) -> Iterator[None]:
        """Open and warm up all that can be measured, and close it again."""
        with ExitStack() as stack:
            for group in groups:
                for contender in group.contenders:
                    if (group.database, group.scenario, contender) not in self.problems:
                        self._open(stack, group, contender)
            gc.collect()
            gc.freeze()  # what was made so far stays to the end: keep it out of the collections during trials
            yield

    def _open(self, stack: ExitStack, group: Group, contender: str) -> None:
        where = (group.database, contender)
        try:
            with time_limit(SECONDS):
                if group.scenario in OWN:
                    self._portals[contender] = stack.enter_context(PORTALS[contender].open())
                elif where not in self._callers:
                    self._callers[where] = CONTENDERS[contender].open({**SETTINGS, **self._urls[where]})
                    stack.callback(self._callers[where].close)
                for _ in range(WARM_UP_BATCHES):
                    self._batch(group, contender, check=True)()
        except (Exception, TimeLimitExceeded) as error:  # noqa: BLE001 - whatever it is, it is the finding
            self.fail(group, contender, error)
        if SCENARIOS[group.scenario].writes:
            self._databases[group.database].undo_writes(self._urls[where])

    def fail(self, group: Group, contender: str, error: BaseException) -> None:
        """Note why a contender that answered right before cannot be measured any more."""
        self._note(Check(group.database, contender, group.scenario, f"while measuring: {reason(error)}"))
