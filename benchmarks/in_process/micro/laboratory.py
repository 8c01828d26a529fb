"""What the suite needs: databases, contenders that were found to answer right, and batches of requests for them."""

import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from benchmarks.in_process.callers import Batch, Caller, Requests, open_contender
from benchmarks.in_process.cells import MicroCell
from benchmarks.in_process.examination import Examination, Findings, examine
from benchmarks.machinery.databases import Databases, Kind
from benchmarks.raw import NO_DATABASE
from benchmarks.raw.micro import MicroCheck
from benchmarks.subjects.contenders import documented
from benchmarks.subjects.scenarios import SCENARIOS

WARM_UP_BATCHES = 2


@dataclass
class Client:
    """A contender that is asked batch after batch of one scenario's requests, on a database of its own."""

    cell: MicroCell
    requests: Requests

    @property
    def title(self) -> str:
        """Of what is asked."""
        where = "" if self.cell.database == NO_DATABASE else f", {self.cell.database}"
        return f"{SCENARIOS[self.cell.scenario].title}{where}: batches of {self.size}"

    @property
    def size(self) -> int:
        """Requests in a batch."""
        return SCENARIOS[self.cell.scenario].batch or 1

    def batch(self, *, check: bool = False) -> Batch:
        """The next one."""
        return self.requests.batch(self.size, check=check)


@dataclass
class Laboratory:
    """Contenders, open at the same time on copies of the `databases`; `checks` are what was found of their answers."""

    databases: Mapping[Kind, Databases]
    checks: list[MicroCheck] = field(default_factory=list)
    _urls: dict[tuple[Kind, str], dict[str, str]] = field(default_factory=dict)
    _callers: dict[tuple[Kind, str], Caller] = field(default_factory=dict)
    _clients: dict[MicroCell, Client] = field(default_factory=dict)

    def examine(self, cells: Sequence[MicroCell]) -> None:
        """Give each contender its databases, and see whether it answers right what it will be asked."""
        asked: dict[tuple[Kind, str], list[str]] = {}
        for cell in cells:
            asked.setdefault((cell.kind, cell.contender), []).append(cell.scenario)
        for kind, name in asked:
            self._urls[kind, name] = self.databases[kind].copy(name.replace("-", "_"))
        examinations = [
            Examination(kind, name, self._urls[kind, name], list(dict.fromkeys(scenarios)))
            for (kind, name), scenarios in asked.items()
        ]
        examinations.sort(key=lambda one: not documented(one.contender))  # it may hang: the others go on
        examine(examinations, self._note)
        for (kind, _), urls in self._urls.items():
            self.databases[kind].undo_writes(urls)

    def _note(self, examination: Examination, findings: Findings) -> None:
        for scenario, problem in findings.items():
            apart = scenario in SCENARIOS and not SCENARIOS[scenario].database
            self.checks.append(MicroCheck(NO_DATABASE if apart else examination.label, examination.contender, scenario, problem))

    def problem(self, cell: MicroCell) -> str | None:
        """What the contender answers wrong, or why it could not be measured."""
        found = (one.problem for one in self.checks if (one.database, one.scenario, one.contender) == cell)
        return next((problem for problem in found if problem), None)

    def client(self, cell: MicroCell) -> Client:
        """The contender, opened and warmed up. Raises what goes wrong."""
        if cell not in self._clients:
            self._clients[cell] = self._open(cell)
        return self._clients[cell]

    def _open(self, cell: MicroCell) -> Client:
        where = (cell.kind, cell.contender)
        if where not in self._callers:
            self._callers[where] = open_contender(cell.contender, self._urls[where])
        client = Client(cell, Requests(self._callers[where], cell.scenario))
        for _ in range(WARM_UP_BATCHES):
            client.batch(check=True)()
        gc.collect()
        gc.freeze()  # what was made so far stays to the end: keep it out of the collections that are timed
        return client

    def clean(self, cell: MicroCell) -> None:
        """Undo what was written."""
        if SCENARIOS[cell.scenario].writes:
            self.databases[cell.kind].undo_writes(self._urls[cell.kind, cell.contender])

    def close(self) -> None:
        """Close all contenders."""
        for caller in self._callers.values():
            caller.close()


LABORATORY = pytest.StashKey[Laboratory]()
"""Where pytest's config keeps it."""
