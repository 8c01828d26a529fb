"""Runs made up from known costs, slice by slice."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.analysis.slices import Floats
from benchmarks.load import Histogram
from benchmarks.raw.load import Failure, Load, LoadCell, LoadHeader, LoadRun, LoadTrial, SliceColumns

BASELINE, CONTROL = "sync-threads", "sync-threads-aa"


def cell(
    database: str, scenario: str, load: Load, costs: Mapping[str, float], *, rounds: int = 4, passes: int = 30
) -> tuple[LoadCell, Mapping[str, float]]:
    """A comparison and what a request costs each contender, in seconds of CPU time."""
    return LoadCell(database, scenario, load, rounds, 0.04 * passes, passes, tuple(costs)), costs


def run_of(
    cells: Sequence[tuple[LoadCell, Mapping[str, float]]],
    *,
    scatter: float = 0.05,
    seed: int = 0,
    failures: Sequence[Failure] = (),
) -> LoadRun:
    """Every slice is 40 ms of a full core; its cost scatters by `scatter` about the contender's, and by the pass's weather."""
    random = np.random.default_rng(seed)
    header = LoadHeader(
        started="2026-01-01T00:00:00+00:00",
        command="python -m benchmarks run",
        profile="quick",
        seed=seed,
        books=1000,
        warmup=0.4,
        cells=tuple(one for one, _ in cells),
        baseline=BASELINE,
        control=CONTROL,
        contenders={},
        scenarios={one.scenario: {"title": one.scenario, "delay": None, "writes": False} for one, _ in cells},
        databases={},
        placement={},
        environment={"commit": None},
        code={},
    )
    run = LoadRun(header, failures=list(failures))
    for one, costs in cells:
        for number in range(1, one.rounds + 1):
            weather = random.normal(0, 0.3, one.slices)
            for name, cost in costs.items():
                each = cost * np.exp(weather + random.normal(0, scatter, one.slices))
                run.trials.append(_trial(one, name, number, each))
    return run


def _trial(cell: LoadCell, contender: str, number: int, each: Floats) -> LoadTrial:
    answered = np.maximum(1, np.round(0.04 / each)).astype(int)
    slices = SliceColumns(
        turn=tuple(range(cell.slices)),
        turns=(1,) * cell.slices,
        began=tuple(0.5 * place for place in range(cell.slices)),
        seconds=tuple(answered * each),
        answered=tuple(answered.tolist()),
        server_cpu=tuple(answered * each),
        switches=None,
        database_cpu=None,
        steal=(0.0,) * cell.slices,
    )
    return LoadTrial(
        number,
        cell.database,
        cell.scenario,
        cell.load.name,
        contender,
        cell.load.connections,
        None,
        slices,
        {cell.scenario: Histogram.of(np.repeat(each, answered))},
        {},
        {},
        Histogram(),
        None,
        None,
        server_user=float((answered * each).sum()),
        server_system=0.0,
        server_memory=1,
        server_threads=1,
        database_connections=None,
        generator_cpu=0.1,
        start_seconds=1.0,
    )
