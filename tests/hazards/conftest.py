"""The catalogue, run once for all tests."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.hazards.catalogue import HAZARDS
from benchmarks.hazards.runner import AT_ONCE, HazardRunner, plan
from benchmarks.machinery.postgres import PostgresServer
from benchmarks.raw.hazards import Side

Sides = Mapping[tuple[str, str], Side]


@pytest.fixture(scope="session")
def sides(postgres: PostgresServer) -> Sides:
    """Every side of every hazard, by the names of hazard and model. The last ones take longest: they begin first."""
    with HazardRunner(postgres) as runner, ThreadPoolExecutor(AT_ONCE) as pool:
        seen = pool.map(runner.run, reversed(plan(list(HAZARDS.values()))))
        return {(side.hazard, side.model): side for side in seen}
