"""A round of a comparison: the servers of all contenders, and the load with each of them in turns.

A machine that others share drifts: within seconds its cores become a quarter slower, and fast again. So a trial is cut into
slices, and those of the contenders are mixed ("duet benchmarking": L. Bulej et al., ICPE 2020): all meet the same weather.
Whose answers take long has fewer slices, and longer ones: in a slice of one answer per connection there would be no closed loop.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import ceil
from random import Random
from time import monotonic
from typing import TypeVar

from benchmarks.analysis.validity import TOLERATED
from benchmarks.load import FailureKind, Histogram, LoadOutcome
from benchmarks.machinery.sampler import Usage, memory, metering
from benchmarks.raw.load import LoadCell, LoadTrial, SliceColumns
from benchmarks.raw.problem import Problem, ProblemKind
from benchmarks.subjects.contenders import Contender
from benchmarks.subjects.scenarios import SCENARIOS
from benchmarks.under_load.driver import Drive, Order
from benchmarks.under_load.seats import Seat, together
from benchmarks.under_load.server import ContenderServer, collections

T = TypeVar("T")

FEWEST = 4
"""Slices of a contender, where the cell has as many; as long as there are more, none of a closed loop is shorter than the median
answer of the warm-up, so that a connection gives two answers in it, or more.

With one each it would be a burst, which an event loop takes together: `async-native` cost 0.81 [0.73, 0.88] of the baseline's CPU
time in 60 bursts of reads, 0.86 [0.81, 0.90] in 30 slices of 2.3 answers, 0.85 [0.77, 0.93] in 15 of 4.2, and `async-loop` 0.96,
0.97, 0.98 (8 connections, two crowded cores)."""
FIRST_SECOND = 1.0
"""Of a turn of an open loop: in it the server wakes up, so that its latency is apart."""
HOPELESS = 20, 0.1
"""So many wrong answers, and so large a share of all: then nothing more is asked."""


@dataclass(frozen=True)
class RoundResult:
    """A trial, if anything was answered right, and what went wrong in it, if anything did.

    Neither is there when no request both began and ended in the trial's time: it was too short for this machine.
    """

    trial: LoadTrial | None
    problem: Problem | None


@dataclass(frozen=True)
class Round:
    """A trial of each contender of a cell. `rate` is an open loop's, in requests a second, `warmup` is in seconds."""

    number: int
    cell: LoadCell
    contenders: tuple[Contender, ...]
    warmup: float
    seed: int
    rate: float | None = None


def measure(seats: Mapping[str, Seat], turn: Round) -> dict[str, RoundResult]:
    """Put the load on the contenders' servers in turns. What was written is counted and undone.

    Raises `DriverError`.
    """
    cell, random = turn.cell, Random(turn.seed)
    parts = [_Part(seats[one.name], turn) for one in turn.contenders]
    together(Seat.settle, [part.seat for part in parts])
    with ExitStack() as connected:
        for part in parts:
            part.connect(connected)
        for part in random.sample(parts, len(parts)):
            part.warm_up(random.randrange(2**31))
        began = monotonic()
        for number in range(cell.slices):
            seed = random.randrange(2**31)
            for part in random.sample(parts, len(parts)):
                part.take(number, seed)
        for part in parts:
            part.look()
    return {part.seat.contender.name: part.measured(began) for part in parts}


@dataclass(frozen=True)
class _Slice:
    turn: int
    turns: int
    first: float  # seconds at its begin of which the latency is apart
    outcome: LoadOutcome
    usage: Usage

    @property
    def answered(self) -> int:
        """Right answers."""
        return self.outcome.count + (self.outcome.early.count if self.first else 0)


@dataclass
class _Part:
    """A contender's part in a round."""

    seat: Seat
    turn: Round
    server: ContenderServer | None = None
    problem: Problem | None = None
    load: Drive | None = None
    memory: int = 0
    collections: Sequence[tuple[float, float]] | None = None
    slices: list[_Slice] = field(default_factory=list)
    together: int = 1
    """How many of the cell's slices are one of this contender's."""
    given_up: bool = False
    answered: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    threads: int = 0
    connections: int | None = None
    """Of all requests, the warm-up's among them, and so are the largest samples of threads and connections."""
    last_error: str = ""

    def connect(self, until: ExitStack) -> None:
        """Open the connections, which stay open for the round: opening them is no part of the load."""
        self.server, self.problem = self.seat.server, self.seat.problem
        if self.server:
            generator, count = self.seat.stage.generator, self.turn.cell.load.connections
            self.load = until.enter_context(generator.opened(self.server.port, count))

    def due(self, number: int) -> int:
        """How many of the cell's slices begin now, as one of this contender's; 0 while one goes on, or too few are left."""
        return self.together if number % self.together == 0 and number + self.together <= self.turn.cell.slices else 0

    def warm_up(self, seed: int) -> None:
        """Put a load on the server that does not count, and see how long its answers take in the second half, when it is warm."""
        found = self._drive(self.turn.warmup / 2, seed, self.turn.warmup / 2)
        if found and self.turn.rate is None:
            self.together = _together(found[0], self.turn.cell)

    def take(self, number: int, seed: int) -> None:
        """The slice that begins in this pass, if one does."""
        cell, turns = self.turn.cell, self.due(number)
        seconds = cell.seconds / cell.slices * turns
        first = min(FIRST_SECOND, seconds / 2) if self.turn.rate else 0.0
        if found := self._drive(seconds - first, seed, first):
            self.slices.append(_Slice(number, turns, first, *found))

    def _drive(self, seconds: float, seed: int, warmup: float = 0.0) -> tuple[LoadOutcome, Usage] | None:
        """Put the load on the server, unless something is wrong with it already."""
        stage, cell, server = self.seat.stage, self.turn.cell, self.server
        if server is None or self.load is None or self.problem or self.given_up or seconds <= 0:
            return None
        order = Order(
            scenarios=(cell.scenario,),
            books=stage.books,
            seconds=seconds,
            warmup=warmup,
            rate=self.turn.rate,
            seed=seed,
            first=self.answered.total() + self.failed.total(),
        )
        with metering(server.process.pid, stage.database_pid(cell.database), self.seat.connections) as usage:
            outcome = self.load(order)
        self.threads = max(self.threads, usage.threads)
        if usage.connections is not None:
            self.connections = max(self.connections or 0, usage.connections)
        self.answered.update(outcome.answered)
        self.failed.update(outcome.failed)
        self.examples = {**outcome.examples, **self.examples}
        if outcome.failed:
            self.last_error = server.last_error or next(iter(outcome.examples.values()), "")
        if not server.alive:
            ended = f"the server ended under load: {server.last_error or 'without a word'}"
            self.problem = Problem(ended, ProblemKind.SERVER)
        wrong, share = HOPELESS
        self.given_up = FailureKind.TIMEOUT in self.failed or wrong <= self.failed.total() > share * self._total()
        return outcome, usage

    def _total(self) -> int:
        return self.failed.total() + self.answered.total()

    def _wrong(self) -> Problem | None:
        """Too many answers, those of the warm-up among them: only a server that was just started can fail in its first ones."""
        wrong, total = self.failed.total(), self._total()
        return Problem.of_load(wrong, total, self.last_error) if wrong > TOLERATED * total else None

    def look(self) -> None:
        """At what is to be seen only while the server runs."""
        if self.server:
            self.memory = memory(self.server.process.pid)
            self.collections = collections(self.server) if not self.given_up else None

    def measured(self, began: float) -> RoundResult:
        """What came of it; the first pass `began` then, on the clock time.monotonic()."""
        if self.server is None:
            return RoundResult(None, self.problem)
        if self.problem or self.given_up or self._wrong():
            self.seat.stop()  # it may hold locks, or be of no use any more
        in_database, lost = stored(self.seat, self.turn.cell.scenario, self.answered, self.failed)
        problem = self.problem or self._wrong() or lost
        if not any(one.outcome.count for one in self.slices):
            return RoundResult(None, problem)
        return RoundResult(self._trial(self.server, in_database, began), problem)

    def _trial(self, server: ContenderServer, in_database: int | None, began: float) -> LoadTrial:
        turn, outcomes, usages = self.turn, [one.outcome for one in self.slices], [one.usage for one in self.slices]
        kinds = dict.fromkeys(kind for outcome in outcomes for kind in outcome.latency)
        return LoadTrial(
            round=turn.number,
            database=turn.cell.database,
            scenario=turn.cell.scenario,
            load=turn.cell.load.name,
            contender=self.seat.contender.name,
            connections=turn.cell.load.connections,
            rate=turn.rate,
            slices=_columns(self.slices, began),
            latency={kind: Histogram.merged(one.latency[kind] for one in outcomes) for kind in kinds},
            errors=dict(self.failed),
            examples=self.examples,
            lateness=Histogram.merged(one.lateness for one in outcomes),
            acknowledged=None if in_database is None else _acknowledged(self.answered),
            stored=in_database,
            server_user=round(sum(usage.server.user for usage in usages), 4),
            server_system=round(sum(usage.server.system for usage in usages), 4),
            server_memory=self.memory,
            server_threads=self.threads,
            database_connections=self.connections,
            generator_cpu=sum(outcome.cpu for outcome in outcomes) / sum(outcome.wall for outcome in outcomes),
            start_seconds=server.start_seconds,
            first_second=None if turn.rate is None else Histogram.merged(one.early for one in outcomes),
            collections=None if self.collections is None else [round(took, 4) for at, took in self.collections if at >= began],
        )


def _columns(slices: Sequence[_Slice], began: float) -> SliceColumns:
    """Rounded to what is of use, for there are many: times to the microsecond, when they began to a tenth of a millisecond."""
    usages = [one.usage for one in slices]
    database = _known(usage.database_cpu for usage in usages)
    return SliceColumns(
        turn=[one.turn for one in slices],
        turns=[one.turns for one in slices],
        began=[round(one.outcome.began - one.first - began, 4) for one in slices],
        seconds=[round(one.outcome.seconds + one.first, 6) for one in slices],
        answered=[one.answered for one in slices],
        server_cpu=[round(usage.server.cpu, 6) for usage in usages],
        switches=_known(usage.switches for usage in usages),
        database_cpu=database and [round(seconds, 6) for seconds in database],
        steal=[round(usage.steal, 4) for usage in usages],
    )


def _known(values: Iterable[T | None]) -> list[T] | None:
    """All of them, or None if one is: a column has no gaps."""
    found = list(values)
    known = [value for value in found if value is not None]
    return known if len(known) == len(found) else None


def _together(warmup: LoadOutcome, cell: LoadCell) -> int:
    """How many slices of the cell a contender with such answers needs for one of its own: a power of two.

    So a long slice begins and ends with others' long ones, and as many of them as can be are paired.
    """
    most = 1 << (max(1, cell.slices // FEWEST).bit_length() - 1)
    if not warmup.count:
        return most
    needed = max(1, ceil(warmup.overall.percentile(50) * cell.slices / cell.seconds))
    return min(most, 1 << (needed - 1).bit_length())


def stored(seat: Seat, scenario: str, answered: Counter[str], failed: Counter[str]) -> tuple[int | None, Problem | None]:
    """How many writes the database has, and what is wrong with that; what was written is removed."""
    asked = SCENARIOS[scenario]
    if not asked.writes:
        return None, None
    books, activities = seat.stored()
    seat.undo_writes()
    acknowledged, unknown = _acknowledged(answered), failed.total()
    makes = max(SCENARIOS[name].makes for name in asked.parts)
    if not acknowledged <= activities <= acknowledged + unknown:
        problem = f"{acknowledged} writes were acknowledged, {activities} are in the activity log"
        return activities, Problem(problem, ProblemKind.WRITES)
    if makes and not acknowledged * makes <= books <= (acknowledged + unknown) * makes:
        problem = f"{acknowledged * makes} books were acknowledged, {books} are stored"
        return activities, Problem(problem, ProblemKind.WRITES)
    return activities, None


def _acknowledged(answered: Counter[str]) -> int:
    return sum(count for kind, count in answered.items() if SCENARIOS[kind].writes)
