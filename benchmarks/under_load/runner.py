"""A run: correct first, then round by round, every trial in the raw file as soon as it is finished."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from math import inf
from pathlib import Path
from random import Random
from statistics import median
from time import monotonic
from typing import Any

from benchmarks.machinery.absent import ROOT
from benchmarks.machinery.environment import environment
from benchmarks.raw import Recorder
from benchmarks.raw.load import Failure, LoadCell, LoadCheck, LoadHeader, LoadRun, Rate
from benchmarks.subjects.code_cost import code_cost
from benchmarks.subjects.contenders import BASELINE, CONNECTIONS, CONTENDERS, CONTROL, Contender
from benchmarks.subjects.profiles import CAPACITY, Profile, sittings
from benchmarks.subjects.scenarios import SCENARIOS
from benchmarks.under_load.ceiling import ceiling, crosscheck, wrk_is_installed
from benchmarks.under_load.correctness import examine
from benchmarks.under_load.effort import next_sitting, sitting_seconds
from benchmarks.under_load.seats import Seat, seated
from benchmarks.under_load.stage import Stage, kind_of, staged
from benchmarks.under_load.trial import Round, measure

CROSSCHECKED = (BASELINE, "async-native")
CROSSCHECK_SECONDS = 1.0

See = Callable[[Any], object]


@dataclass(frozen=True)
class RunPlan:
    """What to run. `url` is PostgreSQL's, if it is not to be started; `former` is what a run to be resumed has recorded."""

    profile: Profile
    cells: Sequence[LoadCell]
    books: int
    seed: int
    output: Path
    command: str
    url: str | None = None
    former: LoadRun | None = None

    @property
    def backends(self) -> int:
        """How many connections to PostgreSQL a sitting may need: its servers are up at once, and each keeps what it opened.

        What writes uses two databases.
        """
        most: dict[str, int] = {}
        for cell in (one for one in self.cells if one.database == "postgresql"):
            needed = min(cell.load.connections, CONNECTIONS) * (2 if SCENARIOS[cell.scenario].writes else 1)
            most |= {name: max(most.get(name, 0), needed) for name in cell.contenders}
        return sum(most.values())

    @cached_property
    def sittings(self) -> list[list[Round]]:
        """All rounds in order, by the servers that they share."""
        random = Random(self.seed)

        def round_of(number: int, cell: LoadCell) -> Round:
            contenders = tuple(CONTENDERS[name] for name in cell.contenders)
            return Round(number, cell, contenders, self.profile.warmup, random.randrange(2**31))

        return [[round_of(number, cell) for cell in together] for number, together in sittings(self.cells)]


def run(plan: RunPlan, see: See) -> LoadRun:
    """Run the plan; `see` is given the `LoadRun` first, each `Round` before it begins, and each record once it is written.

    The finished part stays when this is interrupted. Raises `BenchmarkError` and `OSError`.
    """
    former, start = plan.former, monotonic()
    began, machine = datetime.now(UTC), environment()  # before the run itself is what loads the machine
    with (
        staged(plan.books, {cell.database for cell in plan.cells}, plan.url, plan.backends) as stage,
        closing(Recorder(plan.output, resume=former is not None)) as recorder,  # not before there is something to record
    ):
        found = former or LoadRun(_header(plan, stage, began, machine))
        session = _Session(plan, stage, recorder, see, found, start)
        if former is None:
            recorder.write(found.header)
        see(found)
        session.calibrate()
        session.measure()
        session.improve()
        session.crosscheck()
    return found


def _header(plan: RunPlan, stage: Stage, began: datetime, machine: Mapping[str, Any]) -> LoadHeader:
    names = dict.fromkeys(name for cell in plan.cells for name in cell.contenders)
    scenarios = dict.fromkeys(cell.scenario for cell in plan.cells)
    here = stage.server is None or stage.server.pid is not None
    return LoadHeader(
        started=began.isoformat(timespec="seconds"),
        command=plan.command,
        profile=plan.profile.name,
        seed=plan.seed,
        books=plan.books,
        warmup=plan.profile.warmup,
        cells=tuple(plan.cells),
        baseline=BASELINE,
        control=CONTROL,
        contenders={name: CONTENDERS[name].facts() for name in CONTENDERS if name in names},
        scenarios={
            name: {"title": one.title, "delay": one.delay, "writes": one.writes}
            for name, one in SCENARIOS.items()
            if name in scenarios
        },
        databases=stage.facts(),
        placement=stage.placement.facts(database_here=here),
        environment={**machine, **stage.placement.cores()},
        code=code_cost(ROOT),
    )


@dataclass
class _Session:
    plan: RunPlan
    stage: Stage
    recorder: Recorder
    see: See
    found: LoadRun
    began: float
    pace: float = 1.0
    """How long the last sitting took, as a multiple of what was planned."""

    def _note(self, record: Any, into: list[Any]) -> None:
        into.append(record)
        self.recorder.write(record)
        self.see(record)

    def calibrate(self) -> None:
        """Find the generator's ceiling."""
        if not self.found.ceilings:
            self._note(ceiling(self.stage), self.found.ceilings)

    def measure(self) -> None:
        """Do what is left of the plan, as far as there is time, without those who have failed in the meantime."""
        for rounds in remaining(self.plan, self.found):
            if self._left() > 0:
                self._sit(rounds)

    def improve(self) -> None:
        """Spend what is left of the profile's time on what is known least well."""
        profile = self.plan.profile
        while profile.budget < inf and (rounds := next_sitting(profile, self.found, self._left() / max(1.0, self.pace))):
            self._sit(rounds)

    def _left(self) -> float:
        return self.plan.profile.budget - (monotonic() - self.began)

    def _sit(self, rounds: Sequence[Round]) -> None:
        """Start the servers of all contenders, see that they answer right, and then put the load on them, cell by cell."""
        contenders = {one.name: one for turn in rounds for one in _able(turn, self.found)}
        if not contenders:
            return
        began = monotonic()
        with seated(self.stage, kind_of(rounds[0].cell.database), list(contenders.values())) as seats:
            self._examine(seats, rounds)
            for turn in rounds:
                if (able := _able(turn, self.found)) and self._left() > self.pace * sitting_seconds([turn]):
                    self._take(seats, replace(turn, contenders=able))
        self.pace = (monotonic() - began) / sitting_seconds(rounds)

    def _examine(self, seats: Mapping[str, Seat], rounds: Sequence[Round]) -> None:
        """Ask everybody everything that they will be measured with, and were not asked before."""
        known = {(check.database, check.contender, check.scenario) for check in self.found.checks}
        asked: dict[str, dict[str, list[str]]] = {}
        for cell in (turn.cell for turn in rounds):
            for name in seats.keys() & {*cell.contenders}:
                if (cell.database, name, cell.scenario) not in known:
                    scenarios = asked.setdefault(name, {}).setdefault(cell.database, [])
                    scenarios += [] if cell.scenario in scenarios else [cell.scenario]

        def ask(name: str) -> list[LoadCheck]:
            return [
                LoadCheck(database, name, scenario, problem)
                for database, scenarios in asked[name].items()
                for scenario, problem in examine(seats[name], scenarios).items()
            ]

        pool = ThreadPoolExecutor(max(1, len(asked)))
        try:
            for check in chain.from_iterable(pool.map(ask, asked)):
                if check.problem:
                    self.stage.require_database(check.database)
                self._note(check, self.found.checks)
        except BaseException:
            self.stage.over.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _take(self, seats: Mapping[str, Seat], turn: Round) -> None:
        cell = turn.cell
        rate = None
        if cell.load.percent is not None:
            capacity = self._capacity(cell)
            if capacity is None:
                return
            rate = capacity.capacity * cell.load.percent / 100
        self.see(turn)
        found = measure(seats, replace(turn, rate=rate))
        if any(measured.problem for measured in found.values()):
            self.stage.require_database(cell.database)
        for name, measured in found.items():
            if measured.trial:
                self._note(measured.trial, self.found.trials)
            if measured.problem:
                failure = Failure(cell.database, cell.scenario, name, cell.load.name, measured.problem)
                self._note(failure, self.found.failures)

    def _capacity(self, cell: LoadCell) -> Rate | None:
        known = (rate for rate in self.found.rates if (rate.database, rate.scenario) == (cell.database, cell.scenario))
        rate = next(known, None)
        if rate is None and (rate := slowest(self.found, cell)):
            self._note(rate, self.found.rates)
        return rate

    def crosscheck(self) -> None:
        """Compare with wrk, where it is installed."""
        for database, name in self._crosschecked():
            pairs = self.plan.profile.crosschecks
            record = crosscheck(self.stage, database, "read", CONTENDERS[name], pairs, CROSSCHECK_SECONDS)
            self._note(record, self.found.crosschecks)

    def _crosschecked(self) -> Iterator[tuple[str, str]]:
        done = {(one.database, one.contender) for one in self.found.crosschecks}
        for cell in self.plan.cells:
            if (cell.scenario, cell.load) == ("read", CAPACITY) and self.plan.profile.crosschecks and wrk_is_installed():
                for name in CROSSCHECKED:
                    measured = name in cell.contenders and not self.found.problem(cell.database, "read", name)
                    if measured and (cell.database, name) not in done:
                        yield cell.database, name


def remaining(plan: RunPlan, found: LoadRun) -> list[list[Round]]:
    """The sittings that are still to be done, as far as is known, without the rounds that are recorded whole."""
    done = {(one.round, one.database, one.scenario, one.load, one.contender) for one in found.trials}

    def is_left(turn: Round) -> bool:
        where = (turn.number, turn.cell.database, turn.cell.scenario, turn.cell.load.name)
        return any((*where, contender.name) not in done for contender in _able(turn, found))

    left = [[turn for turn in rounds if is_left(turn)] for rounds in plan.sittings]
    return [rounds for rounds in left if rounds]


def _able(turn: Round, found: LoadRun) -> tuple[Contender, ...]:
    """The contenders of a round in which nothing is wrong with them so far: who fails under another load goes on here."""
    cell = turn.cell
    return tuple(one for one in turn.contenders if not found.problem(cell.database, cell.scenario, one.name, cell.load.name))


def slowest(found: LoadRun, cell: LoadCell) -> Rate | None:
    """What an open loop is a percentage of: the least capacity, in the median round, of the contenders that answer right."""
    throughputs: dict[str, list[float]] = {}
    for trial in found.trials:
        at_capacity = (trial.database, trial.scenario, trial.load) == (cell.database, cell.scenario, CAPACITY.name)
        right = found.problem(cell.database, cell.scenario, trial.contender) is None
        if at_capacity and right and trial.contender in cell.contenders:
            throughputs.setdefault(trial.contender, []).append(trial.throughput)
    capacities = {name: median(each) for name, each in throughputs.items()}
    name = min(capacities, key=lambda name: capacities[name], default=None)
    return None if name is None else Rate(cell.database, cell.scenario, capacities[name], name)
