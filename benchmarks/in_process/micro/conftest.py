"""Fixtures of the suite: the contenders, open on databases of their own, and how long each is measured."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.errors import BenchmarkError
from benchmarks.in_process.cells import MicroCell
from benchmarks.in_process.micro.laboratory import LABORATORY, Client, Laboratory
from benchmarks.machinery.databases import Databases, Kind
from benchmarks.machinery.postgres import connect_or_start
from benchmarks.subjects.contenders import documented
from benchmarks.subjects.scenarios import BOOKS_IN_PROCESS

MOST = 200
"""Rounds of a test."""


@pytest.fixture(scope="session")
def laboratory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """The contenders that the chosen tests measure, found to answer right or not."""
    ours = (item for item in request.session.items if isinstance(item, pytest.Function) and "client" in item.fixturenames)
    cells = list(dict.fromkeys(cell for item in ours if isinstance(cell := item.callspec.params["cell"], MicroCell)))
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in os.environ:
            if name.startswith("CATALOG_"):
                patch.delenv(name)
        try:
            made = Laboratory(_databases(stack, tmp_path_factory.mktemp("databases"), cells))
        except BenchmarkError as error:
            pytest.exit(str(error), returncode=2)
        request.config.stash[LABORATORY] = made
        made.examine(cells)
        stack.callback(made.close)
        yield made


def _databases(stack: ExitStack, folder: Path, cells: list[MicroCell]) -> dict[Kind, Databases]:
    made: dict[Kind, Databases] = {}
    for kind in dict.fromkeys(cell.kind for cell in cells):
        server = stack.enter_context(connect_or_start(os.environ.get("DATABASE_URL"))) if kind == "postgresql" else None
        made[kind] = Databases(kind, folder, server)
        made[kind].seed(BOOKS_IN_PROCESS)
    return made


@pytest.fixture
def client(laboratory: Laboratory, cell: MicroCell, benchmark: BenchmarkFixture) -> Iterator[Client]:
    """The contender, if it answers right; the documented wiring is known for not doing so."""
    if problem := laboratory.problem(cell):
        (pytest.xfail if documented(cell.contender) else pytest.fail)(problem)
    client = laboratory.client(cell)
    benchmark.group = client.title
    yield client
    laboratory.clean(cell)


@pytest.fixture
def rounds(pytestconfig: pytest.Config) -> Callable[[float], int]:
    """How many rounds that take so many seconds fit into --benchmark-max-time; never fewer than --benchmark-min-rounds."""
    seconds, fewest = (pytestconfig.getoption(f"benchmark_{name}") for name in ("max_time", "min_rounds"))
    return lambda once: max(int(fewest), min(MOST, int(float(seconds) / once)))


@pytest.fixture
def cpu_time(benchmark: BenchmarkFixture) -> Callable[[int, int], AbstractContextManager[None]]:
    """Within it, note the CPU time of this process in so many rounds of a batch: microseconds for each unit of it."""

    @contextmanager
    def noted(rounds: int, batch: int) -> Iterator[None]:
        began = time.process_time()
        yield
        units = rounds * batch
        benchmark.extra_info.update(batch=batch, units=units, cpu=round((time.process_time() - began) / units * 1e6, 3))

    return noted
