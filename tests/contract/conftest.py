"""One suite over every app, way of serving it and database: `pytest -k "native and postgresql"` chooses among them.

Whatever a test asserts, the answers it got are compared with those that the first app gave to the same test.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_args

import pytest

from benchmarks.machinery.postgres import PostgresServer
from catalog.settings import CommitMode

from .pairwise import covering
from .serving import STYLES, Apps, Served, Style
from .stores import BACKENDS, Backend, Stores
from .transcripts import Api

NOT_COMPARED_BY = {"style", "backend", "mode"}
DEFAULT_MODE = "autocommit_include_redirect"
MODES_MATTER = {"test_commit_modes", "test_writes", "test_pages"}


@pytest.fixture(scope="session")
def stores(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    stores = Stores(tmp_path_factory.mktemp("stores"), postgres)
    yield stores
    stores.close()


@pytest.fixture(scope="session", params=STYLES)
def style(request: pytest.FixtureRequest) -> Style:
    found: Style = request.param
    return found


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    found: Backend = request.param
    return found


@pytest.fixture(scope="session", params=get_args(CommitMode))
def mode(request: pytest.FixtureRequest) -> CommitMode:
    found: CommitMode = request.param
    return found


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run of each test so many variants that every pair of its parameters occurs: a style and a database, a mode and a value.

    In all commit modes runs what they decide about; the rest in the default mode, or in the one that the test names.
    """
    folder = Path(__file__).parent
    tests: dict[tuple[Path, str], list[pytest.Function]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and item.path.parent == folder and hasattr(item, "callspec"):
            tests.setdefault((item.path, item.originalname), []).append(item)
    left_out: set[pytest.Item] = set()
    for (path, _), variants in tests.items():
        usual = [one for one in variants if one.callspec.params.get("mode") == DEFAULT_MODE]
        wanted = usual if usual and path.stem not in MODES_MATTER else variants
        chosen = {wanted[index] for index in covering([_values(one) for one in wanted])}
        left_out.update(one for one in variants if one not in chosen)
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def _values(variant: pytest.Function) -> dict[str, str]:
    """Its parameters in a form that can be compared."""
    return {name: repr(value) for name, value in variant.callspec.params.items()}


@pytest.fixture(scope="session")
def apps(stores: Stores) -> Iterator[Apps]:
    """The apps that tests share, each started when it is first asked for."""
    with ExitStack() as stack:
        yield Apps(stores, stack)


@pytest.fixture
def reading_app(style: Style, backend: Backend, apps: Apps) -> Served:
    """An app with the real library, which no test changes."""
    return apps.reading(style, backend)


@pytest.fixture
def writing_app(style: Style, backend: Backend, mode: CommitMode, apps: Apps) -> Served:
    """An app in one of the commit modes; each test makes the records it changes."""
    return apps.writing(style, backend, mode)


@pytest.fixture(scope="session")
def transcripts() -> dict[Any, tuple[str, list[str]]]:
    """The first answers to each test, and who gave them."""
    return {}


def _client(served: Served, request: pytest.FixtureRequest) -> Iterator[Api]:
    api = Api(served)
    yield api
    served.check_at_rest()
    api.forget_cookies()
    parameters = {name: value for name, value in request.node.callspec.params.items() if name not in NOT_COMPARED_BY}
    key = (request.node.path, request.node.originalname, repr(parameters))
    who, answers = request.getfixturevalue("transcripts").setdefault(key, (request.node.name, api.transcript))
    assert api.transcript, "this test asked for nothing"
    assert api.transcript == answers, f"the answers are not those of {who}"


@pytest.fixture
def library(reading_app: Served, request: pytest.FixtureRequest, transcripts: object) -> Iterator[Api]:
    """A client for reading. After the test nothing is checked out, and the answers are those of every other app."""
    yield from _client(reading_app, request)


@pytest.fixture
def api(writing_app: Served, request: pytest.FixtureRequest, transcripts: object) -> Iterator[Api]:
    """A client for writing, compared in the same way; what it adds is there for one test only."""
    yield from _client(writing_app, request)
    writing_app.store.restore()
