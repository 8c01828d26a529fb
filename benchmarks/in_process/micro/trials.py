"""One trial: as many batches as fit into its time, each timed by pytest-benchmark."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.in_process.examination import TimeLimitExceeded, time_limit
from benchmarks.in_process.micro.cells import Cell
from benchmarks.in_process.micro.laboratory import Laboratory
from benchmarks.machinery.reasons import root
from benchmarks.raw import Recorder
from benchmarks.raw.micro import Trial

Measure = Callable[[BenchmarkFixture, Cell], None]
FEWEST, MOST = 3, 100
"""Batches per trial."""
SECONDS = 60.0
"""After which a trial counts as hung."""


def run_trial(laboratory: Laboratory, recorder: Recorder | None, seconds: float, benchmark: BenchmarkFixture, cell: Cell) -> None:
    """Run the trial and record it. A contender that does not answer right is not measured; `documented` is known for that."""
    group = cell.group
    problem = laboratory.problems.get((group.database, group.scenario, cell.contender))
    if problem:
        benchmark.name = cell.contender
        (pytest.xfail if cell.contender == "documented" else pytest.fail)(problem)
    benchmark.group = f"{group.title}, batch of {group.batch}" + (f" ({group.database})" if group.database != "none" else "")
    benchmark.name = cell.contender
    try:
        with time_limit(SECONDS):
            trial = _measure(benchmark, cell, laboratory, seconds)
    except (Exception, TimeLimitExceeded) as error:
        if isinstance(root(error), KeyboardInterrupt):  # an app may have made something else of it
            raise KeyboardInterrupt from None
        laboratory.fail(group, cell.contender, error)
        raise
    if recorder:
        recorder.write(trial)
    laboratory.clean(group, cell.contender)


def _measure(benchmark: BenchmarkFixture, cell: Cell, laboratory: Laboratory, seconds: float) -> Trial:
    warm_up = laboratory.batch(cell)
    begin = time.perf_counter()
    warm_up()
    rounds = min(MOST, max(FEWEST, round(seconds / (time.perf_counter() - begin)) - 1))
    batches = [laboratory.batch(cell) for _ in range(rounds)]
    following = iter(batches)
    began = time.process_time()
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda batch: batch(), setup=lambda: ((next(following),), {}), rounds=rounds
    )
    cpu = time.process_time() - began
    taken: Any = benchmark.stats
    requests = rounds * cell.group.batch
    return Trial(
        number=cell.number,
        database=cell.group.database,
        scenario=cell.group.scenario,
        contender=cell.contender,
        requests=requests,
        wall=round(statistics.median(taken.stats.data) / cell.group.batch * 1e6, 3),
        cpu=round(cpu / requests * 1e6, 3),
    )
