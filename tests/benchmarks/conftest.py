"""A stage without PostgreSQL, for tests of what runs on one."""

from collections.abc import Iterator

import pytest

from benchmarks.machinery.databases import Databases
from benchmarks.machinery.placement import Placement
from benchmarks.under_load.driver import Generator, driver
from benchmarks.under_load.stage import Stage

BOOKS = 1_000


@pytest.fixture(scope="module")
def generator() -> Iterator[Generator]:
    with driver() as made:
        yield made


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, generator: Generator) -> Stage:
    """On SQLite, not pinned."""
    folder = tmp_path_factory.mktemp("stage")
    databases = Databases("sqlite", folder, None)
    databases.seed(BOOKS)
    return Stage(BOOKS, folder, {"sqlite": databases}, None, Placement(), generator)
