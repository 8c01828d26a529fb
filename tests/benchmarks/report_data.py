"""Synthetic raw files of the load benchmark: known effects, an A/A control, failures, flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.load import Histogram
from benchmarks.raw import Recorder
from benchmarks.raw.load import (
    Ceiling,
    Crosscheck,
    Failure,
    Load,
    LoadCell,
    LoadCheck,
    LoadHeader,
    LoadRun,
    LoadTrial,
    Rate,
    SliceColumns,
)
from benchmarks.raw.problem import Problem
from benchmarks.subjects.code_cost import code_cost
from benchmarks.subjects.scenarios import SCENARIOS as KNOWN

ROOT = Path(__file__).parents[2]
SYNC, ASYNC = {"sqlite": "sqlite3", "postgresql": "psycopg"}, {"sqlite": "aiosqlite", "postgresql": "asyncpg"}


def _facts(about: str, model: str, server: str, concurrency: str, drivers: Mapping[str, str] = ASYNC) -> dict[str, Any]:
    return {
        "about": about,
        "model": model,
        "server": server,
        "concurrency": concurrency,
        "drivers": dict(drivers),
        "connections": "at most 64 per database",
    }


CONTENDERS: dict[str, dict[str, Any]] = {
    "sync-threads": _facts("sync views on threads: the baseline", "sync", "gunicorn gthread", "4 threads", SYNC),
    "sync-threads-aa": _facts("the same again: the A/A control", "sync", "gunicorn gthread", "4 threads", SYNC),
    "sync-threads-64": _facts("sync views on more threads", "sync", "gunicorn gthread", "64 threads", SYNC),
    "sync-gevent": _facts("sync views under gevent", "sync", "gunicorn gevent", "greenlets", SYNC),
    "sync-granian": _facts("sync views on granian", "sync", "granian", "4 threads", SYNC),
    "peer-litestar": _facts("the same on Litestar", "peer", "uvicorn", "coroutines"),
    "async-documented": _facts("async views as documented", "documented", "gunicorn gthread", "4 threads"),
    "async-documented-nullpool": _facts("the same without a pool", "documented", "gunicorn gthread", "4 threads"),
    "async-wsgi-to-asgi": _facts("asgiref's adapter", "documented", "uvicorn", "one at a time"),
    "async-loop": _facts("the runtime under WSGI", "loop", "gunicorn gthread", "4 threads"),
    "async-native": _facts("the runtime under ASGI", "native", "uvicorn", "coroutines"),
    "async-native-psycopg": _facts(
        "the same on the driver of sync", "native", "uvicorn", "coroutines", {"sqlite": "aiosqlite", "postgresql": "psycopg"}
    ),
}
SCENARIOS: dict[str, dict[str, Any]] = {
    "noop": {"title": "an empty view", "delay": None, "writes": False},
    "read": {"title": "read one book", "delay": None, "writes": False},
    "list": {"title": "list: search, order, page of 20", "delay": None, "writes": False},
    "read-idiom": {"title": "read one book, as documented", "delay": None, "writes": False},
    "list-idiom": {"title": "the same list, as documented", "delay": None, "writes": False},
    "create": {"title": "create a book", "delay": None, "writes": True},
    "update": {"title": "update a book", "delay": None, "writes": True},
    "mixed": {"title": "80 % reads, 15 % lists, 5 % writes", "delay": None, "writes": True},
    "fan-out": {"title": "overview report, 6 queries", "delay": None, "writes": False},
    **{f"slow-{ms}": {"title": f"a query of {ms} ms", "delay": ms, "writes": False} for ms in (0, 1, 5, 10, 20, 50)},
    "bulk": {"title": "create 500 books", "delay": None, "writes": True},
    "export": {"title": "stream 10,000 books", "delay": None, "writes": False},
    **{name: {"title": one.title, "delay": one.delay, "writes": False} for name, one in KNOWN.items() if not one.usual},
}
CPU = {
    "noop": 4e-4,
    "read": 1.5e-3,
    "list": 5e-3,
    "read-idiom": 4e-3,
    "list-idiom": 12e-3,
    "create": 5e-3,
    "update": 5e-3,
    "mixed": 2.5e-3,
    "fan-out": 9e-3,
}
CPU |= {"bulk": 0.15, "export": 0.4, "slow-0": 1.4e-3}
"""Seconds of CPU time per request of the baseline; 1.4 ms where nothing is said."""
EFFECTS = {
    **dict.fromkeys(("sync-threads", "sync-threads-aa"), 1.0),
    "sync-threads-64": 1.06,
    "sync-gevent": 1.1,
    "async-documented": 1.9,
    "async-documented-nullpool": 2.6,
    "async-wsgi-to-asgi": 1.7,
    "async-loop": 1.2,
    "async-native": 0.85,
    "async-native-psycopg": 1.0,
    "sync-granian": 0.75,
    "peer-litestar": 0.6,
}
"""CPU time per request over the baseline's, on PostgreSQL; on SQLite async costs twice that."""
PLACES = {
    **dict.fromkeys(("sync-threads", "sync-threads-aa", "async-documented", "async-documented-nullpool", "async-loop"), 4),
    "sync-threads-64": 64,
    "async-wsgi-to-asgi": 1,
}
"""How many requests can wait at once; 100 where nothing is said."""
WIGGLE = (0.99, 1.0, 1.01, 1.0, 0.995, 1.005)


def cpu(database: str, scenario: str, contender: str, effects: Mapping[str, float]) -> float:
    """Seconds of CPU time per request."""
    twice = 2.0 if database == "sqlite" and CONTENDERS[contender]["model"] != "sync" else 1.0
    return CPU.get(scenario, 1.4e-3) * effects[contender] * twice


def slices(
    seconds: float,
    server_cpu: float,
    *,
    answered: int = 0,
    database_cpu: float | None = None,
    steal: float = 0.0,
    scatter: Sequence[float] = (1.0, 1.0),
) -> SliceColumns:
    """As many slices as `scatter` has factors of time and CPU time for an answer, fewer for few answers; so much together."""
    count = max(2, min(len(scatter), answered))
    bounds = [answered * place // count for place in range(count + 1)]
    answers = [high - low for low, high in pairwise(bounds)]
    parts = [factor * (number or 1) for factor, number in zip(scatter, answers, strict=False)]
    shares = [part / sum(parts) for part in parts]
    return SliceColumns(
        turn=tuple(range(count)),
        turns=(1,) * count,
        began=[seconds * sum(shares[:place]) for place in range(count)],
        seconds=[seconds * share for share in shares],
        answered=answers,
        server_cpu=[server_cpu * share for share in shares],
        switches=answers,
        database_cpu=None if database_cpu is None else [database_cpu * share for share in shares],
        steal=(steal,) * count,
    )


def trial(
    database: str, scenario: str, load: Load, contender: str, number: int, rate: float | None, effects: Mapping[str, float]
) -> LoadTrial:
    """A trial of 5 s, its numbers within 1 % of what `effects` says."""
    wiggle = 1.0 if contender == "sync-threads" else WIGGLE[(number + len(contender)) % len(WIGGLE)]
    each = cpu(database, scenario, contender, effects) * wiggle
    delay = (SCENARIOS[scenario]["delay"] or 0) / 1000
    capacity = min(1 / each, min(load.connections, PLACES.get(contender, 100)) / (delay + each + 2e-4))
    throughput = capacity if rate is None else rate
    service = load.connections / capacity if rate is None else delay + each / max(0.05, 1 - rate / capacity)
    random = np.random.default_rng(number * 1000 + len(contender))
    times = service * random.gamma(8, 1 / 8, max(1, round(throughput * 5)))
    count = len(times)
    writes = count if SCENARIOS[scenario]["writes"] else None
    late = random.exponential(2e-5, 0 if rate is None else count)
    return LoadTrial(
        number,
        database,
        scenario,
        load.name,
        contender,
        load.connections,
        rate,
        slices(
            5.0,
            each * count,
            answered=count,
            database_cpu=None if database != "postgresql" else 4e-4 * count,
            steal=0.01,
            scatter=random.normal(1, 0.01, 8).tolist(),
        ),
        {scenario: Histogram.of(times)},
        {},
        {},
        Histogram.of(late),
        writes,
        writes,
        server_user=0.9 * each * count,
        server_system=0.1 * each * count,
        server_memory=round((90 + 0.4 * PLACES.get(contender, 20)) * 2**20),
        server_threads=3 + PLACES.get(contender, 1),
        database_connections=None if database != "postgresql" else min(load.connections, 16),
        generator_cpu=0.2,
        start_seconds=1.2,
    )


def header(cells: Sequence[LoadCell], scenarios: Sequence[str] | None = None) -> LoadHeader:
    """What a run says of itself."""
    return LoadHeader(
        started="2026-01-01T00:00:00+00:00",
        command="python -m benchmarks run --profile standard",
        profile="standard",
        seed=7,
        books=10_000,
        warmup=1.0,
        cells=tuple(cells),
        baseline="sync-threads",
        control="sync-threads-aa",
        contenders=CONTENDERS,
        scenarios={name: SCENARIOS[name] for name in SCENARIOS if scenarios is None or name in scenarios},
        databases={"postgresql": {"version": "18.6", "fsync": "off"}, "sqlite": {"version": "3.46"}},
        placement={"server": "core 0", "generator": "core 1", "database": "core 1"},
        environment={
            "python": "CPython 3.11",
            "system": "Linux",
            "cpu": "CPU",
            "cores": 2,
            "memory_gib": 4.0,
            "load_before": 0.1,
            "event_loop": "uvloop",
            "packages": {"flask": "3.1.3"},
            "commit": "0123456789ab",
        },
        code=_code(),
    )


@cache
def _code() -> dict[str, Any]:
    return code_cost(ROOT)


def few_cells(rounds: int = 2) -> list[LoadCell]:
    """Enough of them for every picture."""
    closed = [("read", connections) for connections in (1, 8, 32, 128)] + [
        ("slow-50", connections) for connections in (8, 32, 128)
    ]
    found = [LoadCell("postgresql", name, Load(connections), rounds, 5.0, 4, tuple(CONTENDERS)) for name, connections in closed]
    return found + [LoadCell("postgresql", "read", Load(64, rate), rounds, 5.0, 1, tuple(CONTENDERS)) for rate in (30, 60, 80)]


def run_of(
    chosen: Sequence[LoadCell],
    *,
    effects: Mapping[str, float] | None = None,
    failing: Sequence[tuple[str, str]] = (("postgresql", "async-documented"),),
) -> LoadRun:
    """A run of these cells; `failing` are databases and contenders that answer wrong in every scenario."""
    effects = {**EFFECTS, **(effects or {})}
    run = LoadRun(header(chosen, list(dict.fromkeys(cell.scenario for cell in chosen))))
    reason = "500: RuntimeError: Task got Future attached to a different loop"
    for database, name in dict.fromkeys((cell.database, name) for cell in chosen for name in cell.contenders):
        for scenario in dict.fromkeys(cell.scenario for cell in chosen if cell.database == database):
            run.checks.append(LoadCheck(database, name, scenario, Problem(reason) if (database, name) in failing else None))
    rates: dict[tuple[str, str], Rate] = {}
    for cell in chosen:
        right = [name for name in cell.contenders if (cell.database, name) not in failing]
        rate = None
        if cell.load.percent is not None:
            capacity, slowest = min((1 / cpu(cell.database, cell.scenario, name, effects), name) for name in right)
            rates[cell.database, cell.scenario] = Rate(cell.database, cell.scenario, capacity, slowest)
            rate = capacity * cell.load.percent / 100
        for number in range(1, cell.rounds + 1):
            order = Random(number).sample(right, len(right))
            run.trials += [trial(cell.database, cell.scenario, cell.load, name, number, rate, effects) for name in order]
    run.rates = list(rates.values())
    run.ceilings = [Ceiling("uvloop", 32, 21_000.0, 4.2e-5)]
    run.crosschecks = [Crosscheck("none", "noop", "async-native", 32, [3_000.0, 3_050.0, 2_980.0], [3_060.0, 3_090.0, 3_000.0])]
    return run


def marred(run: LoadRun) -> LoadRun:
    """The same run with a contender that fails under one load, and with a trial for each flag."""
    run.failures.append(
        Failure("postgresql", "read", "async-documented-nullpool", "closed-128", Problem("53300: too many clients already"))
    )
    gone = ("postgresql", "read", "closed-128", "async-documented-nullpool")
    run.trials = [one for one in run.trials if (one.database, one.scenario, one.load, one.contender) != gone]
    changes: list[dict[str, Any]] = [
        {"slices": slices(5.0, 5.0, steal=0.3)},
        {"generator_cpu": 0.95},
        {"errors": {"status": 3}, "examples": {"status": "500 in place of 200"}},
        {"acknowledged": 100, "stored": 99},
    ]
    for place, change in enumerate(changes):
        run.trials[place * 5] = replace(run.trials[place * 5], **change)
    return run


def record(path: Path, run: LoadRun, count: int | None = None) -> None:
    """Write the raw file of the run, or of its first `count` trials."""
    recorder = Recorder(path)
    for line in (run.header, *run.ceilings, *run.checks, *run.rates, *run.failures, *run.trials[:count], *run.crosschecks):
        recorder.write(line)
    recorder.close()
