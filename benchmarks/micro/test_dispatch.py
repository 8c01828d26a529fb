"""What Flask itself costs under each execution model."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.micro.cells import Cell
from benchmarks.micro.trials import Measure


@pytest.mark.measures("noop")
def test_dispatch(measure: Measure, benchmark: BenchmarkFixture, cell: Cell) -> None:
    """One trial."""
    measure(benchmark, cell)
