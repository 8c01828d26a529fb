"""Databases for the tests of the catalogue: SQLite files, and a real PostgreSQL server."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from benchmarks.postgres import Server
from catalog.databases import parse_database, prepare
from catalog.models import Activity, Author

KINDS = ["sqlite", "postgresql"]

NewDatabase = Callable[[str], AbstractContextManager[str]]


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewDatabase:
    """A context manager that gives the URL of a new, empty database of one of the `KINDS`."""
    numbers = count()

    @contextmanager
    def new(kind: str) -> Iterator[str]:
        name = f"catalog_{os.getpid()}_{next(numbers)}"
        if kind == "sqlite":
            yield f"sqlite:///{tmp_path_factory.mktemp(name)}/catalog.sqlite3"
            return
        server: Server = request.getfixturevalue("postgres")
        yield server.create_database(name)
        server.drop_database(name)

    return new


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[str]:
    with new_database(request.param) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A synchronous engine with one connection, on a database with the tables of both binds."""
    with tables(database_url) as engine:
        yield engine


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
