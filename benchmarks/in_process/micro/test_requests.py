"""What a request costs each contender, in process: dispatch alone, and requests to the catalogue."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.in_process.cells import plan
from benchmarks.in_process.micro.laboratory import Client

pytestmark = pytest.mark.filterwarnings("ignore")  # no warning is an error in an app that serves


@pytest.mark.parametrize("cell", plan(control=True), ids=str)
def test_request(
    benchmark: BenchmarkFixture,
    client: Client,
    rounds: Callable[[float], int],
    cpu_time: Callable[[int, int], AbstractContextManager[None]],
) -> None:
    """Batches of one scenario's requests, which are made before the time is taken."""
    first = client.batch()
    began = time.perf_counter()
    first()
    batches = [client.batch() for _ in range(rounds(time.perf_counter() - began))]
    following = iter(batches)
    with cpu_time(len(batches), client.size):
        benchmark.pedantic(  # type: ignore[no-untyped-call]
            lambda batch: batch(), setup=lambda: ((next(following),), {}), rounds=len(batches)
        )
