"""What trials need: databases, contenders that were found to answer right, and batches of work for them."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.in_process.callers import Batch, Caller
from benchmarks.in_process.examination import SECONDS, TOGETHER, Examination, Findings, TimeLimitExceeded, examine, time_limit
from benchmarks.in_process.models import MODELS, PORTALS
from benchmarks.machinery.databases import SETTINGS, Databases, Kind
from benchmarks.machinery.postgres import Server
from benchmarks.machinery.reasons import reason
from benchmarks.raw import NO_DATABASE
from benchmarks.raw.micro import Check, Group
from benchmarks.subjects.scenarios import BOOKS_IN_PROCESS, SCENARIOS

if TYPE_CHECKING:
    from benchmarks.in_process.micro.cells import Cell

WARM_UP_BATCHES = 2
OWN = {"portal"}
"""Scenarios whose contenders are no apps."""


def _kind(group: Group) -> Kind:
    """The databases under a group's apps; those that need none have SQLite's."""
    return "postgresql" if group.database == "postgresql" else "sqlite"


class Laboratory:
    """Everything that is measured, open at the same time; `problems` are the cells that must not be measured."""

    def __init__(self, found: Callable[[Check], object]) -> None:
        """`found` is told of each finding."""
        self._found = found
        self.problems: dict[tuple[str, str, str], str] = {}
        self._callers: dict[tuple[Kind, str], Caller] = {}
        self._portals: dict[str, Callable[[int], Batch]] = {}
        self._databases: dict[Kind, Databases] = {}
        self._urls: dict[tuple[Kind, str], dict[str, str]] = {}
        self._numbers: dict[tuple[Kind, str, str], Iterator[int]] = defaultdict(count)

    def batch(self, cell: Cell) -> Batch:
        """The cell's next batch of work."""
        return self._batch(cell.group, cell.contender)

    def _batch(self, group: Group, contender: str, *, check: bool = False) -> Batch:
        if group.scenario in OWN:
            return self._portals[contender](group.batch)
        caller = self._callers[_kind(group), contender]
        request = SCENARIOS[group.scenario].request
        if request is None:
            return caller.sessions(group.batch)
        numbers = self._numbers[_kind(group), group.scenario, contender]
        return caller.batch([request(next(numbers), BOOKS_IN_PROCESS) for _ in range(group.batch)], check=check)

    def clean(self, group: Group, contender: str) -> None:
        """Undo what a trial wrote."""
        if SCENARIOS[group.scenario].writes:
            self._databases[_kind(group)].undo_writes(self._urls[_kind(group), contender])

    def make_databases(self, groups: Sequence[Group], server: Server | None, folder: Path) -> None:
        """Migrate and seed one of each kind. Raises `DataError`."""
        for kind in dict.fromkeys(_kind(group) for group in groups if group.scenario not in OWN):
            self._databases[kind] = Databases(kind, folder, server if kind == "postgresql" else None)
            self._databases[kind].seed(BOOKS_IN_PROCESS)

    def facts(self) -> dict[str, dict[str, str]]:
        """Version and settings of each kind of database."""
        return {kind: databases.facts() for kind, databases in self._databases.items()}

    def examine(self, groups: Sequence[Group]) -> None:
        """Give each contender its databases, and see whether it answers right."""
        examinations = []
        for kind, databases in self._databases.items():
            scenarios = [group.scenario for group in groups if _kind(group) == kind and group.scenario not in OWN]
            for contender in MODELS:
                self._urls[kind, contender] = databases.copy(contender.replace("-", "_"))
                config = {**SETTINGS, **self._urls[kind, contender]}
                examinations.append(Examination(kind, contender, config, scenarios))

        def note(examination: Examination, findings: Findings) -> None:
            for scenario, problem in findings.items():
                apart = scenario in SCENARIOS and not SCENARIOS[scenario].database
                self._note(Check(NO_DATABASE if apart else examination.label, examination.contender, scenario, problem))

        examinations.sort(key=lambda examination: examination.contender != "documented")  # it may hang: the others go on
        examine(examinations, note)
        for (kind, _), urls in self._urls.items():
            self._databases[kind].undo_writes(urls)

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
        where = (_kind(group), contender)
        try:
            with time_limit(SECONDS):
                if group.scenario in OWN:
                    self._portals[contender] = stack.enter_context(PORTALS[contender].open())
                elif where not in self._callers:
                    self._callers[where] = MODELS[contender].open({**SETTINGS, **self._urls[where]})
                    stack.callback(self._callers[where].close)
                for _ in range(WARM_UP_BATCHES):
                    self._batch(group, contender, check=True)()
        except (Exception, TimeLimitExceeded) as error:  # noqa: BLE001 - whatever it is, it is the finding
            self.fail(group, contender, error)
        self.clean(group, contender)

    def fail(self, group: Group, contender: str, error: BaseException) -> None:
        """Note why a contender that answered right before cannot be measured any more."""
        self._note(Check(group.database, contender, group.scenario, f"while measuring: {reason(error)}"))
