"""`flask database ...` of the app, on both kinds of database."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import Engine, create_engine, inspect, text

from app_async import create_app
from benchmarks.machinery.absent import surroundings
from catalog.databases import parse_database
from catalog.models import Activity, Author

ROOT = Path(__file__).parents[2]
TABLES = {"author", "book", "book_tag", "tag", "catalog_version"}
LOG = {"activity", "activity_version"}
FTS5 = {f"{table}_search{part}" for table in ("author", "book") for part in ("", "_data", "_idx", "_docsize", "_config")}
FEW = pytest.mark.parametrize("urls", [("sqlite", False), ("postgresql", True)], indirect=True, ids=["sqlite", "one database"])
"""What does not depend on how the databases were made: each kind once."""


@pytest.fixture(
    params=[("sqlite", False), ("postgresql", False), ("postgresql", True)], ids=["sqlite", "postgresql", "one database"]
)
def urls(request: pytest.FixtureRequest, new_database: Callable[[str], AbstractContextManager[str]]) -> Iterator[tuple[str, str]]:
    """The URLs of the two binds: two databases, or one for both."""
    kind, together = request.param
    with new_database(kind) as url, nullcontext(url) if together else new_database(kind) as other:
        yield (url, other)


@pytest.fixture
def app(urls: tuple[str, str]) -> Iterator[Flask]:
    app = create_app({"DATABASE_URL": urls[0], "ACTIVITY_DATABASE_URL": urls[1], "SECRET_KEY": "x"})
    yield app
    app.portal.call(app.portal.close)


def flask(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["database", *arguments])


def engine(url: str) -> Engine:
    return create_engine(parse_database(url, "sync").url)


def tables(url: str) -> set[str]:
    found = engine(url)
    names = set(inspect(found).get_table_names())
    found.dispose()
    return names


def execute(url: str, statement: str) -> None:
    found = engine(url)
    with found.begin() as connection:
        connection.execute(text(statement))
    found.dispose()


def test_upgrade_makes_the_tables_of_both_and_check_finds_no_drift(app: Flask, urls: tuple[str, str]) -> None:
    assert tables(urls[0]) | tables(urls[1]) == set()
    for _ in range(2):
        assert flask(app, "upgrade", "--no-prompt").exit_code == 0
    library = TABLES | FTS5 if urls[0].startswith("sqlite") else TABLES
    expected = (library, LOG) if urls[0] != urls[1] else (library | LOG, library | LOG)
    assert (tables(urls[0]), tables(urls[1])) == expected
    checked = flask(app, "check")
    assert checked.exit_code == 0
    assert checked.output.count("Checking for pending migrations") == 2


@FEW
def test_the_migrated_tables_are_those_of_the_models(app: Flask, urls: tuple[str, str]) -> None:
    flask(app, "upgrade", "--no-prompt")
    for url, metadata in zip(urls, (Author.metadata, Activity.metadata), strict=True):
        found = engine(url)
        inspector = inspect(found)
        for table in metadata.tables.values():
            assert [column["name"] for column in inspector.get_columns(table.name)] == table.columns.keys()
            indexes = {index["name"] for index in inspector.get_indexes(table.name) if not index.get("duplicates_constraint")}
            by_trigrams = {f"ix_{table.name}_search"} & {"ix_author_search", "ix_book_search"}
            assert indexes == {index.name for index in table.indexes} | (by_trigrams if "postgresql" in url else set())
            checks = {check["name"] for check in inspector.get_check_constraints(table.name)}
            assert checks == ({"ck_author_lifetime"} if table.name == "author" else set())
        found.dispose()


@pytest.mark.parametrize(
    ("bind", "change"),
    [
        (0, "ALTER TABLE book ADD COLUMN extra INTEGER"),
        (0, "DROP INDEX ix_book_published"),
        (0, "ALTER TABLE author DROP COLUMN biography"),
        (1, "ALTER TABLE activity DROP COLUMN detail"),
    ],
)
@FEW
def test_check_finds_drift_on_each(app: Flask, urls: tuple[str, str], bind: int, change: str) -> None:
    flask(app, "upgrade", "--no-prompt")
    execute(urls[bind], change)
    checked = flask(app, "check")
    assert checked.exit_code == 1
    assert "Error: New upgrade operations detected" in checked.output


def test_check_says_that_nothing_was_migrated_yet(app: Flask) -> None:
    checked = flask(app, "check")
    assert checked.exit_code == 1
    assert checked.output.endswith("Error: Target database is not up to date.\n")


def test_one_bind_can_be_named(app: Flask, urls: tuple[str, str]) -> None:
    assert flask(app, "upgrade", "--no-prompt", "--bind-key", "activity").exit_code == 0
    assert tables(urls[0]) - LOG == set()
    assert tables(urls[1]) == LOG
    refused = flask(app, "upgrade", "--no-prompt", "--bind-key", "log")
    assert refused.exit_code == 2
    assert "'log' is not one of default, activity" in refused.output


@FEW
def test_downgrade_takes_the_tables_away_again(app: Flask, urls: tuple[str, str]) -> None:
    flask(app, "upgrade", "--no-prompt")
    for bind in ("default", "activity"):
        assert flask(app, "downgrade", "--no-prompt", "--bind-key", bind, "base").exit_code == 0
    assert tables(urls[0]) | tables(urls[1]) == {"catalog_version", "activity_version"}


@FEW
def test_drop_all_drops_all(app: Flask, urls: tuple[str, str]) -> None:
    flask(app, "upgrade", "--no-prompt")
    # In a process of its own, as it has an event loop of its own.
    command = [str(Path(sys.executable).parent / "flask"), "--app", "app_async", "database", "drop-all", "--no-prompt"]
    settings = {"DATABASE_URL": urls[0], "ACTIVITY_DATABASE_URL": urls[1], "SECRET_KEY": "x"}
    environment = {**os.environ, **surroundings(), **{f"CATALOG_{name}": value for name, value in settings.items()}}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert tables(urls[0]) | tables(urls[1]) == set()


def test_nothing_is_asked_where_nobody_can_answer(app: Flask, urls: tuple[str, str]) -> None:
    asked = flask(app, "upgrade")
    assert asked.exit_code == 2
    assert asked.output.endswith("Error: there is nobody to ask for confirmation; give --no-prompt\n")
    assert tables(urls[0]) == set()


def test_sql_can_be_read_without_a_database(app: Flask, urls: tuple[str, str]) -> None:
    shown = flask(app, "upgrade", "--sql", "--no-prompt")
    assert shown.exit_code == 0
    assert tables(urls[0]) | tables(urls[1]) == set()


def test_tables_are_never_made_by_a_request(app: Flask, urls: tuple[str, str]) -> None:
    response = app.test_client().get("/books")
    assert response.status_code == 503
    assert "flask database upgrade" in response.get_json()["detail"]
    assert tables(urls[0]) | tables(urls[1]) == set()


def test_the_commands_are_listed() -> None:
    app = create_app({"SECRET_KEY": "x", "DATABASE_URL": "sqlite:////nowhere/x", "ACTIVITY_DATABASE_URL": "sqlite:////nowhere/y"})
    listed = flask(app, "--help")
    assert listed.exit_code == 0
    for command in ("upgrade", "downgrade", "check", "show-current-revision", "history", "make-migrations", "stamp", "drop-all"):
        assert command in listed.output
    failed = flask(app, "upgrade", "--no-prompt")
    assert failed.exit_code == 2
    assert failed.output.endswith("Error: The database cannot be reached. (unable to open database file)\n")
