"""Databases for the tests of the catalogue: SQLite files, and a real PostgreSQL server."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from app_async import create_app
from benchmarks.machinery.postgres import PostgresServer
from catalog.databases import parse_database, prepare
from catalog.models import Activity, Author

KINDS = ["sqlite", "postgresql"]

NewDatabase = Callable[[str], AbstractContextManager[str]]
Urls = tuple[str, str]
"""Of the default bind and of the log's."""
Migrated = Callable[[str], Urls]


@pytest.fixture(scope="session")
def new_database(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> NewDatabase:
    """A context manager that gives the URL of a new, empty database of one of the `KINDS`."""
    numbers = count()

    @contextmanager
    def new(kind: str) -> Iterator[str]:
        name = f"catalog_{os.getpid()}_{next(numbers)}"
        if kind == "sqlite":
            yield f"sqlite:///{tmp_path_factory.mktemp(name)}/catalog.sqlite3"
            return
        yield postgres.create_database(name)
        postgres.drop_database(name)

    return new


@pytest.fixture(scope="session")
def originals(new_database: NewDatabase) -> Iterator[Migrated]:
    """Databases that `flask database upgrade` has made, once for each kind; on PostgreSQL one for both binds."""
    made: dict[str, Urls] = {}
    with ExitStack() as stack:

        def original(kind: str) -> Urls:
            if kind not in made:
                url = stack.enter_context(new_database(kind))
                made[kind] = url, url if kind == "postgresql" else stack.enter_context(new_database(kind))
                app = create_app({"DATABASE_URL": made[kind][0], "ACTIVITY_DATABASE_URL": made[kind][1], "SECRET_KEY": "x"})
                assert app.test_cli_runner().invoke(args=["database", "upgrade", "--no-prompt"]).exit_code == 0
                app.portal.call(app.portal.close)
            return made[kind]

        yield original


@pytest.fixture
def migrated(originals: Migrated, tmp_path: Path) -> Migrated:
    """The URLs of databases of a kind with tables and no rows: copies of files, or what PostgreSQL has, emptied."""

    def empty(kind: str) -> Urls:
        urls = originals(kind)
        if kind == "postgresql":
            with psycopg.connect(urls[0], autocommit=True, options="-c lock_timeout=10s") as connection:
                connection.execute("TRUNCATE author, book, book_tag, tag, activity")
            return urls
        copies = tmp_path / "catalog.sqlite3", tmp_path / "activity.sqlite3"
        for url, copy in zip(urls, copies, strict=True):
            shutil.copyfile(url.removeprefix("sqlite:///"), copy)
        return f"sqlite:///{copies[0]}", f"sqlite:///{copies[1]}"

    return empty


@pytest.fixture(params=KINDS)
def urls(request: pytest.FixtureRequest, migrated: Migrated) -> Urls:
    """Empty tables, of either kind."""
    return migrated(request.param)


@pytest.fixture
def database_url(urls: Urls) -> str:
    return urls[0]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A synchronous engine with one connection."""
    engine = create_engine(parse_database(database_url, "sync").url, pool_size=1, max_overflow=0)
    prepare(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine, expire_on_commit=False) as session:
        yield session


@pytest.fixture(scope="module", params=KINDS)
def shared_session(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[Session]:
    """A session for the tests of one module that only read, after what the module puts in."""
    with new_database(request.param) as url, tables(url) as engine, Session(engine) as session:
        yield session


@contextmanager
def tables(url: str) -> Iterator[Engine]:
    engine = create_engine(parse_database(url, "sync").url, pool_size=1, max_overflow=0)
    prepare(engine)
    Author.metadata.create_all(engine)
    Activity.metadata.create_all(engine)
    yield engine
    engine.dispose()
