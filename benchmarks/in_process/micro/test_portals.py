"""What it costs to call a coroutine from synchronous code."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.in_process.micro.cells import Cell
from benchmarks.in_process.micro.trials import Measure


@pytest.mark.measures("portal")
def test_portal(measure: Measure, benchmark: BenchmarkFixture, cell: Cell) -> None:
    """One trial."""
    measure(benchmark, cell)
