"""What Flask itself costs under each execution model."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.in_process.micro.cells import Cell
from benchmarks.in_process.micro.trials import Measure


@pytest.mark.measures("noop")
def test_dispatch(measure: Measure, benchmark: BenchmarkFixture, cell: Cell) -> None:
    """One trial."""
    measure(benchmark, cell)
