"""One trial: a contender's server under a load, and what it took."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.contenders import Contender
from benchmarks.load import Outcome
from benchmarks.raw.load import Cell, Trial
from benchmarks.scenarios import SCENARIOS, Scenario
from benchmarks.trials.driver import Order
from benchmarks.trials.sampler import Samples, memory, sampling
from benchmarks.trials.server import Server, ServerError, serving
from benchmarks.trials.stage import Stage, kind_of

TOLERATED = 0.001
"""Share of wrong answers beyond which a contender has failed; none of them is counted or timed."""


@dataclass(frozen=True)
class Measured:
    """A trial, if anything was answered right, and what went wrong in it, if anything did.

    Neither is there when no request both began and ended in the trial's time: it was too short for this machine.
    """

    trial: Trial | None
    problem: str | None


@dataclass(frozen=True)
class Turn:
    """A contender's trial in a round: `rate` is an open loop's, in requests a second, `warmup` is in seconds."""

    round: int
    cell: Cell
    contender: Contender
    warmup: float
    seed: int
    rate: float | None = None


def measure(stage: Stage, turn: Turn) -> Measured:
    """Start the contender's server, put the load on it, and end it. What was written is counted and undone.

    Raises `DriverError`.
    """
    cell, contender = turn.cell, turn.contender
    try:
        with serving(contender, stage.settings(cell.database, contender), stage.placement.server) as server:
            outcome, samples, size = _drive(stage, turn, server)
            crashed = None if server.alive else (server.last_error or "without a word")
            error = server.last_error
    except ServerError as failure:
        return Measured(None, str(failure))
    in_database, lost = stored(stage, cell, contender, outcome)
    wrong = sum(outcome.errors.values())
    problem = None
    if crashed:
        problem = f"the server ended under load: {crashed}"
    elif wrong > TOLERATED * (wrong + outcome.count):
        example = next(iter(outcome.examples.values()))
        problem = f"{wrong} of {wrong + outcome.count} answers under load were wrong: {error or example}"
    elif lost:
        problem = lost
    if not outcome.count:
        return Measured(None, problem)
    return Measured(_trial(turn, server, outcome, samples, size, in_database), problem)


def _drive(stage: Stage, turn: Turn, server: Server) -> tuple[Outcome, Samples, int]:
    cell, pid = turn.cell, server.process.pid
    order = Order(
        scenarios=(cell.scenario,),
        books=stage.books,
        port=server.port,
        connections=cell.load.connections,
        seconds=cell.seconds,
        warmup=turn.warmup,
        rate=turn.rate,
        seed=turn.seed,
    )
    with ExitStack() as stack:
        connections = stack.enter_context(stage.connections(cell.database, server.contender))
        samples = stack.enter_context(sampling(pid, stage.database_pid(cell.database), connections))
        outcome = stage.drive(order)
    samples.speed = stage.speed.mean(outcome.began, outcome.began + outcome.seconds)
    return outcome, samples, memory(pid)


def stored(stage: Stage, cell: Cell, contender: Contender, outcome: Outcome) -> tuple[int | None, str | None]:
    """How many writes the database has, and what is wrong with that; what was written is removed."""
    scenario = SCENARIOS[cell.scenario]
    if not scenario.writes:
        return None, None
    databases, urls = stage.databases[kind_of(cell.database)], stage.urls(cell.database, contender)
    books, activities = databases.stored(urls)
    databases.undo_writes(urls)
    acknowledged, unknown = _acknowledged(outcome), sum(outcome.failed.values())
    makes = _makes(scenario)
    if not acknowledged <= activities <= acknowledged + unknown:
        return activities, f"{acknowledged} writes were acknowledged, {activities} are in the activity log"
    if makes and not acknowledged * makes <= books <= (acknowledged + unknown) * makes:
        return activities, f"{acknowledged * makes} books were acknowledged, {books} are stored"
    return activities, None


def _makes(scenario: Scenario) -> int:
    return max(SCENARIOS[name].makes for name in scenario.mix or [scenario.name])


def _acknowledged(outcome: Outcome) -> int:
    return sum(count for kind, count in outcome.answered.items() if SCENARIOS[kind].writes)


def _trial(turn: Turn, server: Server, outcome: Outcome, samples: Samples, size: int, stored: int | None) -> Trial:
    cell = turn.cell
    window = (outcome.began, outcome.began + outcome.seconds)
    machine = samples.machine.growth(*window)
    return Trial(
        round=turn.round,
        database=cell.database,
        scenario=cell.scenario,
        load=cell.load.name,
        contender=turn.contender.name,
        connections=cell.load.connections,
        rate=turn.rate,
        seconds=outcome.seconds,
        latency=outcome.latency,
        errors=outcome.errors,
        examples=outcome.examples,
        lateness=outcome.lateness,
        acknowledged=None if stored is None else _acknowledged(outcome),
        stored=stored,
        server_cpu=samples.server_cpu.growth(*window),
        server_memory=size,
        server_threads=int(samples.server_threads.largest),
        database_cpu=samples.database_cpu.growth(*window) if samples.database_cpu.values else None,
        database_connections=int(samples.connections.largest) if samples.connections.values else None,
        generator_cpu=outcome.cpu / outcome.wall,
        steal=samples.steal.growth(*window) / machine if machine else 0.0,
        start_seconds=server.start_seconds,
        stop_seconds=server.process.stop_seconds,
        probe=samples.speed,
    )
