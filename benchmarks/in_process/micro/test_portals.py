"""What it costs to call a coroutine from synchronous code."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.in_process.cells import CALLS, MicroCell, portals
from benchmarks.subjects.portals import PORTALS

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("cell", portals(), ids=str)
def test_call(
    benchmark: BenchmarkFixture,
    cell: MicroCell,
    rounds: Callable[[float], int],
    cpu_time: Callable[[int, int], AbstractContextManager[None]],
) -> None:
    """An empty coroutine, called again and again."""
    benchmark.group = f"call of an empty coroutine: {CALLS} at a time"
    with PORTALS[cell.contender].open() as call:

        def batch() -> None:
            for _ in range(CALLS):
                call()

        began = time.perf_counter()
        batch()
        number = rounds(time.perf_counter() - began)
        with cpu_time(number, CALLS):
            benchmark.pedantic(batch, rounds=number)  # type: ignore[no-untyped-call]
