"""One suite over every app, way of serving it and database: `pytest -k "native and postgresql"` chooses among them.

Whatever a test asserts, the answers it got are compared with those that the first app gave to the same test.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from benchmarks.postgres import Server
from catalog.settings import CommitMode

from . import trials
from .serving import STYLES, Served, Style, serve
from .stores import BACKENDS, Backend, Stores
from .transcripts import Api

NOT_COMPARED_BY = {"style", "backend", "mode"}
DEFAULT_MODE = "autocommit_include_redirect"
MODES_MATTER = {"test_commit_modes", "test_writes", "test_pages"}


@pytest.fixture(scope="session")
def stores(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    stores = Stores(tmp_path_factory.mktemp("stores"), postgres)
    yield stores
    for store in stores.read.values():
        store.close()


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
    """Run in all commit modes what they decide about, the rest in the default mode."""
    folder = Path(__file__).parent

    def needed(item: pytest.Item) -> bool:
        mode = (
            item.callspec.params.get("mode", DEFAULT_MODE)
            if isinstance(item, pytest.Function) and hasattr(item, "callspec")
            else None
        )
        return item.path.parent != folder or item.path.stem in MODES_MATTER or mode in {None, DEFAULT_MODE}

    config.hook.pytest_deselected(items=[item for item in items if not needed(item)])
    items[:] = [item for item in items if needed(item)]


@pytest.fixture(scope="session")
def reading_app(style: Style, backend: Backend, stores: Stores) -> Iterator[Served]:
    """An app with the real library, which no test changes: all of a backend have the same."""
    with serve(style, stores.shared(backend)) as served:
        yield served


@pytest.fixture(scope="session")
def writing_app(style: Style, backend: Backend, mode: CommitMode, stores: Stores) -> Iterator[Served]:
    """An app in one of the commit modes; each test makes the records it changes."""
    with stores.make(backend) as store, serve(style, store, trials.register, COMMIT_MODE=mode) as served:
        yield served


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
