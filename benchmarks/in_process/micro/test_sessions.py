"""What a session costs, apart from any request."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.in_process.micro.cells import Cell
from benchmarks.in_process.micro.trials import Measure


@pytest.mark.measures("session")
def test_session(measure: Measure, benchmark: BenchmarkFixture, cell: Cell) -> None:
    """One trial."""
    measure(benchmark, cell)
