"""Errors that real databases raise through all four drivers, and what they mean."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from catalog.databases import Driver, parse_database, prepare
from catalog.faults import Fault, classify, reason
from catalog.models import Author, Book, Tag

Steps = Callable[[Session], None]

ANN = "INSERT INTO author (id, name, sort_key, created_at, updated_at) VALUES"


@pytest.fixture(params=["sync", "async"])
def driver(request: pytest.FixtureRequest) -> Driver:
    driver: Driver = request.param
    return driver


@pytest.fixture
def error_of(engine: Engine, database_url: str, driver: Driver) -> Callable[[Steps], BaseException]:
    """Run steps in a session of the driver under test, commit, and return the error that this raises."""

    def error_of(steps: Steps) -> BaseException:
        try:
            run(database_url, driver, steps)
        except (SQLAlchemyError, OSError) as error:
            return error
        raise AssertionError("nothing was raised")

    engine.dispose()
    return error_of


def run(url: str, driver: Driver, steps: Steps) -> None:
    def steps_and_commit(session: Session) -> None:
        steps(session)
        session.commit()

    async def run_async() -> None:
        others = threading.enumerate()
        database = parse_database(url, "async")
        engine = create_async_engine(database.url, connect_args=dict(database.connect_args))
        prepare(engine)
        try:
            async with AsyncSession(engine) as session:
                await session.run_sync(steps_and_commit)
        finally:
            await engine.dispose()
            # A failed connect stops aiosqlite's thread without waiting for its last word to this loop.
            for thread in threading.enumerate():
                if "_connection_worker_thread" in thread.name and thread not in others:
                    await asyncio.to_thread(thread.join)

    if driver == "async":
        asyncio.run(run_async())
        return
    engine = create_engine(parse_database(url, "sync").url)
    prepare(engine)
    try:
        with Session(engine) as session:
            steps_and_commit(session)
    finally:
        engine.dispose()


def two_authors_of_one_name(session: Session) -> None:
    session.add_all([Author(name="Ann"), Author(name="Ann")])


def two_books_of_one_title(session: Session) -> None:
    ann = Author(name="Ann")
    session.add_all([Book(title="One", author=ann), Book(title="One", author=ann)])


def two_tags_of_one_key(session: Session) -> None:
    key = uuid4()
    session.add(Tag(id=key, name="a"))
    session.flush()
    session.expunge_all()
    session.add(Tag(id=key, name="b"))


def a_book_of_nobody(session: Session) -> None:
    session.add(Book(title="One", author_id=uuid4()))
    session.flush()


def a_short_life(session: Session) -> None:
    session.add(Author(name="Ann", born=1900, died=1800))


def a_table_that_is_not_there(session: Session) -> None:
    session.execute(text("SELECT * FROM absent"))


def a_column_that_is_not_there(session: Session) -> None:
    session.execute(text("SELECT absent FROM author"))


def a_mistake(session: Session) -> None:
    session.execute(text("SELECT FROM WHERE"))


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        (two_authors_of_one_name, Fault("duplicate", "uq_author_name", ("name",))),
        (two_books_of_one_title, Fault("duplicate", "uq_book_author_id", ("author_id", "title"))),
        (two_tags_of_one_key, Fault("duplicate", "pk_tag", ("id",))),
        (a_book_of_nobody, Fault("reference")),
        (a_short_life, Fault("rule", "ck_author_lifetime")),
        (a_table_that_is_not_there, Fault("schema")),
        (a_column_that_is_not_there, Fault("schema")),
        (a_mistake, None),
    ],
)
def test_every_driver_is_understood_alike(error_of: Callable[[Steps], BaseException], steps: Steps, fault: Fault | None) -> None:
    error = error_of(steps)
    assert classify(error) == fault
    assert reason(error)
    assert "\n" not in reason(error)


def test_a_lock_that_is_not_given_means_busy(database_url: str, engine: Engine, driver: Driver) -> None:
    wait = "PRAGMA busy_timeout=1" if engine.dialect.name == "sqlite" else "SET lock_timeout='10ms'"
    with Session(engine) as holder:
        holder.execute(text(f"{ANN} ('k', 'Ann', 'ann', '2024-01-01', '2024-01-01')")) if (
            engine.dialect.name == "sqlite"
        ) else holder.execute(text("LOCK TABLE author"))

        def write(session: Session) -> None:
            session.execute(text(wait))
            session.add(Author(name="Bob"))

        with pytest.raises(SQLAlchemyError) as error:
            run(database_url, driver, write)
    assert classify(error.value) == Fault("busy")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://127.0.0.1:1/name",
        "postgresql://localhost:1/name",
        "postgresql://nowhere.invalid/name",
        "sqlite:////nowhere/at/all",
    ],
)
def test_no_connection_means_unreachable(url: str, driver: Driver) -> None:
    with pytest.raises((SQLAlchemyError, OSError)) as error:
        run(url, driver, two_authors_of_one_name)
    assert classify(error.value) == Fault("unreachable")


def test_a_database_that_does_not_exist_means_unreachable(database_url: str, driver: Driver) -> None:
    if database_url.startswith("sqlite"):
        Path(database_url.removeprefix("sqlite:///")).write_text("this is not a database, whatever its name says")
        url = database_url
    else:
        url = database_url.rpartition("/")[0] + "/nothing_of_this_name"
    with pytest.raises(Exception) as error:
        run(url, driver, two_authors_of_one_name)
    assert classify(error.value) == Fault("unreachable")


def test_a_connection_that_was_cut_means_unreachable(database_url: str, engine: Engine, driver: Driver) -> None:
    if engine.dialect.name == "sqlite":
        return  # there is no connection to cut

    def cut_off(session: Session) -> None:
        own = session.scalar(text("SELECT pg_backend_pid()"))
        with engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": own})
        session.execute(text("SELECT 1"))

    with pytest.raises(SQLAlchemyError) as error:
        run(database_url, driver, cut_off)
    assert classify(error.value) == Fault("unreachable")


def test_a_full_pool_means_busy(engine: Engine) -> None:
    with engine.connect():
        small = create_engine(engine.url, pool_size=1, max_overflow=0, pool_timeout=0.01)
        with small.connect(), pytest.raises(PoolTimeoutError) as error:
            small.connect()
        small.dispose()
    assert classify(error.value) == Fault("busy")


def test_a_row_that_is_gone_means_stale(session: Session, engine: Engine) -> None:
    ann = Author(name="Ann")
    session.add(ann)
    session.commit()
    session.execute(text("DELETE FROM author"))
    ann.name = "Anna"
    with pytest.raises(StaleDataError) as error:
        session.flush()
    assert classify(error.value) == Fault("stale")


@pytest.mark.parametrize("error", [ValueError("x"), FileNotFoundError("x"), BrokenPipeError("x"), KeyError("x")])
def test_other_errors_are_none_of_the_databases(error: Exception) -> None:
    assert classify(error) is None


def test_options_of_the_url_are_understood_by_the_driver(database_url: str, engine: Engine, driver: Driver) -> None:
    if engine.dialect.name == "sqlite":
        return  # has none
    names: list[str | None] = []
    url = f"{database_url}?sslmode=disable&connect_timeout=5&application_name=catalogue%20test"
    run(url, driver, lambda session: names.append(session.scalar(text("SHOW application_name"))))
    assert names == ["catalogue test"]
