"""The command line of both apps: the same commands, and the same databases after them."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import MetaData, inspect, select

import app_async
import app_sync
from benchmarks.machinery.absent import surroundings
from catalog.models import ACTIVITY_BIND, DEFAULT_BIND, Activity, Book

from .fixtures import AUTHORS, BOOKS, TAGS
from .stores import BINDS, UPGRADE, Backend, Store, Stores, close_connections

ROOT = Path(__file__).parents[2]
APPS = {"sync": app_sync, "async": app_async}
OTHER = {"sync": app_async, "async": app_sync}
METADATA: Mapping[str, MetaData] = {DEFAULT_BIND: Book.metadata, ACTIVITY_BIND: Activity.metadata}
FTS5 = {f"{table}_search{part}" for table in ("author", "book") for part in ("", "_data", "_idx", "_docsize", "_config")}
every_app = pytest.mark.parametrize("name", APPS)
each_app_once = pytest.mark.parametrize(("name", "backend"), [("async", "sqlite"), ("sync", "postgresql")], indirect=["backend"])
"""Where the test runs the other app on the same databases, too."""
Run = Callable[..., Result]


@pytest.fixture
def run() -> Iterator[Run]:
    """Run a command of an app on a store."""
    with ExitStack() as stack:

        def run(package: ModuleType, store: Store, *arguments: str, status: int = 0) -> Result:
            app = package.create_app(store.settings())
            stack.callback(close_connections, app)
            result: Result = app.test_cli_runner().invoke(args=arguments)
            assert result.exit_code == status, result.output
            assert "Traceback" not in result.output
            return result

        yield run


def tables(store: Store, bind: str) -> set[str]:
    with store.session(bind) as session:
        return set(inspect(session.connection()).get_table_names())


def rows(store: Store) -> dict[str, list[Any]]:
    """Every row of every table, in the order of the keys, with all its columns."""
    found: dict[str, list[Any]] = {}
    for bind in BINDS:
        for table in METADATA[bind].sorted_tables:
            found[table.name] = store.rows(select(table).order_by(*table.primary_key), bind)
    return found


def test_the_commands_are_listed() -> None:
    """The sync app's, in a process of its own; tests/catalog asks the async app, and runs one of its commands in a process."""
    arguments = [sys.executable, "-m", "flask", "--app", "app_sync", "database", "--help"]
    environment = {**os.environ, **surroundings()}
    result = subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    listed = set(re.findall(r"^  ([a-z-]+)  ", result.stdout, re.MULTILINE))
    assert {"upgrade", "downgrade", "check", "show-current-revision", "history", "make-migrations", "stamp", "drop-all"} <= listed


@each_app_once
def test_up_and_down_and_up_again(name: str, backend: Backend, stores: Stores, run: Run) -> None:
    app, other = APPS[name], OTHER[name]
    with stores.make(backend, "nothing") as store:
        for bind in BINDS:
            assert tables(store, bind) == set()
        for _ in range(2):
            run(app, store, *UPGRADE)
            for bind, version in ((DEFAULT_BIND, "catalog_version"), (ACTIVITY_BIND, "activity_version")):
                search = FTS5 if bind == DEFAULT_BIND and backend == "sqlite" else set()
                assert tables(store, bind) == {version, *METADATA[bind].tables} | search
            for package in (app, other):
                run(package, store, "database", "check")
            run(other, store, *UPGRADE)  # there is nothing to do
            for bind in BINDS:
                run(other, store, "database", "downgrade", "--no-prompt", "--bind-key", bind, "base")
                assert tables(store, bind) & (METADATA[bind].tables.keys() | FTS5) == set()


@each_app_once
def test_a_drift_is_found_in_either_database(name: str, backend: Backend, stores: Stores, run: Run) -> None:
    with stores.make(backend, "tables") as store:
        for bind, table in ((DEFAULT_BIND, "tag"), (ACTIVITY_BIND, "activity")):
            with store.session(bind) as session:
                session.connection().exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN drift INTEGER")
                session.commit()
            run(APPS[name], store, "database", "check", status=1)
            with store.session(bind) as session:
                session.connection().exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN drift")
                session.commit()
        run(APPS[name], store, "database", "check")


@every_app
def test_nothing_is_created_behind_the_users_back(name: str, backend: Backend, stores: Stores, run: Run) -> None:
    with stores.make(backend, "nothing") as store:
        run(APPS[name], store, "database", "--help")
        run(APPS[name], store, "database", "history")
        for bind in BINDS:
            assert tables(store, bind) == set()
        output = run(APPS[name], store, "seed", status=2).output
        assert output.startswith("Error: The database has no tables, or old ones: run `flask database upgrade`.")
        assert output.count("\n") == 1


@each_app_once
def test_seeding_again_changes_no_row(name: str, backend: Backend, stores: Stores, run: Run) -> None:
    message = f"{len(AUTHORS)} authors, {len(BOOKS)} books and {len(TAGS)} tags are in the catalogue.\n"
    with stores.make(backend, "tables") as store:
        assert run(APPS[name], store, "seed").output == message
        before = rows(store)
        assert len(before["book"]) == len(BOOKS)
        assert len(before["book_tag"]) == sum(len(book["tags"]) for book in BOOKS)
        for package in (APPS[name], OTHER[name]):
            assert run(package, store, "seed").output == message
            assert rows(store) == before  # all columns, so updated_at too


@every_app
def test_seeding_puts_right_what_was_changed(name: str, backend: Backend, stores: Stores, run: Run) -> None:
    with stores.make(backend) as store:
        before = rows(store)
        with store.session() as session:
            book = session.scalars(select(Book).where(Book.title == "Anna Karenina")).one()
            book.published = 1
            session.commit()
        run(APPS[name], store, "seed")
        differing = [
            (old, new)
            for table, old_rows in before.items()
            for old, new in zip(old_rows, rows(store)[table], strict=True)
            if old != new
        ]
        assert len(differing) == 1
        (old, new), *_ = differing
        names = select(Book.__table__).selected_columns.keys()
        changed = {column for column, one, two in zip(names, old, new, strict=True) if one != two}
        assert changed == {"updated_at"}


def test_generated_books_are_the_same_from_both_apps_and_can_be_extended(backend: Backend, stores: Stores, run: Run) -> None:
    with stores.make(backend, "tables") as first, stores.make(backend, "tables") as second:
        assert "300 books added, 0 were there." in run(app_sync, first, "seed", "--books", "300").output
        three_hundred = rows(first)
        assert "120 books added, 0 were there." in run(app_async, second, "seed", "--books", "120").output
        assert "180 books added, 120 were there." in run(app_sync, second, "seed", "--books", "300").output
        assert rows(second) == three_hundred
        for package in (app_sync, app_async):
            assert "0 books added, 300 were there." in run(package, first, "seed", "--books", "300").output
            assert rows(first) == three_hundred
        assert "900 books added, 300 were there." in run(app_async, first, "seed", "--books", "1200").output
        assert "900 books added, 300 were there." in run(app_sync, second, "seed", "--books", "1200").output
        more = rows(first)
        assert rows(second) == more
        assert {table: len(found) for table, found in more.items() if table in {"book", "author"}} == {
            "book": 1200,
            "author": 120,
        }
        assert all(set(three_hundred[table]) <= set(more[table]) for table in more)


@every_app
@pytest.mark.parametrize("number", ["0", "-1", "many", "10000001"])
def test_a_wrong_number_of_books(name: str, number: str, tmp_path: Path, run: Run) -> None:
    store = Store({bind: f"sqlite:///{tmp_path}/{bind}" for bind in BINDS})
    assert "Error: Invalid value for '--books'" in run(APPS[name], store, "seed", "--books", number, status=2).output


def test_generated_rows_are_served(backend: Backend, stores: Stores, run: Run) -> None:
    with stores.make(backend, "tables") as store:
        run(app_async, store, "seed", "--books", "300")
        app = app_sync.create_app(store.settings())
        answer = app.test_client().get("/books?order_by=created_at&page_size=1").get_json()
        close_connections(app)
        assert answer["total"] == 300
        assert answer["items"][0]["created_at"] == "2020-01-01T00:00:00Z"
