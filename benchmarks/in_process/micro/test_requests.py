"""What requests to the catalogue cost."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.in_process.micro.cells import Cell
from benchmarks.in_process.micro.trials import Measure


@pytest.mark.measures("read", "list", "create", "update", "fan-out")
def test_request(measure: Measure, benchmark: BenchmarkFixture, cell: Cell) -> None:
    """One trial."""
    measure(benchmark, cell)
