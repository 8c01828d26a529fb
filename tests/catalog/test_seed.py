"""`flask seed` of the app, on both kinds of database."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import Engine, create_engine, text

from app_async import create_app
from catalog import generated
from catalog.databases import parse_database
from catalog.paths import FIXTURES

from .conftest import KINDS, NewDatabase, Urls


@pytest.fixture
def app(urls: Urls) -> Iterator[Flask]:
    app = create_app({"DATABASE_URL": urls[0], "ACTIVITY_DATABASE_URL": urls[1], "SECRET_KEY": "x"})
    yield app
    app.portal.call(app.portal.close)


@pytest.fixture
def tables(app: Flask, database_url: str) -> Iterator[Engine]:
    """An engine to look at what the app's commands did."""
    engine = create_engine(parse_database(database_url, "sync").url)
    yield engine
    engine.dispose()


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=arguments)


def counts(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table: connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in ("author", "book", "tag", "book_tag")
        }


def fixture(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FIXTURES / f"{name}.json").read_text())
    return found


def snapshot(engine: Engine) -> list[Any]:
    statement = "SELECT id, title, author_id, published, pages, language, created_at FROM book ORDER BY id"
    with engine.connect() as connection:
        return [*connection.execute(text(statement)), *connection.execute(text("SELECT * FROM book_tag ORDER BY 1, 2"))]


def test_the_library_is_loaded_once(app: Flask, tables: Engine) -> None:
    books = fixture("books")
    expected = {
        "author": len(fixture("authors")),
        "book": len(books),
        "tag": len(fixture("tags")),
        "book_tag": sum(len(book["tags"]) for book in books),
    }
    loaded = run(app, "seed")
    assert (loaded.exit_code, counts(tables)) == (0, expected)
    assert loaded.output == "84 authors, 278 books and 53 tags are in the catalogue.\n"
    before = snapshot(tables)
    assert run(app, "seed").exit_code == 0
    assert snapshot(tables) == before


def test_the_library_is_loaded_as_it_is_written(app: Flask, tables: Engine) -> None:
    run(app, "seed")
    written = fixture("books")[0]
    shown = app.test_client().get("/books", query_string={"search": written["title"]}).get_json()["items"][0]
    assert shown["author"]["name"] == written["author"]
    assert sorted(tag["name"] for tag in shown["tags"]) == sorted(written["tags"])
    for name in ("title", "published", "language", "pages", "summary"):
        assert shown[name] == written[name]


def test_what_is_missing_comes_back_and_what_users_added_stays(app: Flask, tables: Engine) -> None:
    run(app, "seed")
    before = counts(tables)
    client = app.test_client()
    added = client.post("/authors", json={"name": "Somebody New"})
    victim = client.get("/books?page_size=1").get_json()["items"][0]
    assert (added.status_code, client.delete(f"/books/{victim['id']}").status_code) == (201, 204)
    run(app, "seed")
    assert counts(tables) == {**before, "author": before["author"] + 1}


def test_generated_books_are_added_where_they_are_missing(app: Flask, tables: Engine) -> None:
    first = run(app, "seed", "--books", "1005")
    assert first.exit_code == 0
    assert first.output.endswith("1005 books added, 0 were there.\n")
    batches = list(generated.batches(1005))
    expected = {
        "author": 101,
        "book": 1005,
        "tag": generated.TAGS,
        "book_tag": sum(len(batch.links) for batch in batches),
    }
    assert counts(tables) == expected
    before = snapshot(tables)
    assert run(app, "seed", "--books", "1005").output.endswith("0 books added, 1005 were there.\n")
    assert run(app, "seed", "--books", "7").output.endswith("0 books added, 7 were there.\n")
    assert snapshot(tables) == before

    key = batches[0].books[3]["id"]
    assert app.test_client().delete(f"/books/{key}").status_code == 204
    assert run(app, "seed", "--books", "1100").output.endswith("96 books added, 1004 were there.\n")
    assert counts(tables)["book"] == 1100
    assert set(before) <= set(snapshot(tables))


def test_the_library_and_generated_books_go_together(app: Flask, tables: Engine) -> None:
    assert run(app, "seed").exit_code == run(app, "seed", "--books", "20").exit_code == run(app, "seed").exit_code == 0
    assert counts(tables)["book"] == 278 + 20


def test_both_fit_the_tables_that_the_check_expects(app: Flask, tables: Engine) -> None:
    run(app, "seed", "--books", "10")
    assert run(app, "database", "check").exit_code == 0


@pytest.mark.parametrize("kind", KINDS)
def test_missing_tables_are_one_line(kind: str, new_database: NewDatabase) -> None:
    with new_database(kind) as url, new_database("sqlite") as log:
        app = create_app({"DATABASE_URL": url, "ACTIVITY_DATABASE_URL": log, "SECRET_KEY": "x"})
        for arguments in (["seed"], ["seed", "--books", "10"]):
            failed = run(app, *arguments)
            assert failed.exit_code == 2
            error = failed.output.splitlines()[-1]
            assert error.startswith("Error: The database has no tables, or old ones: run `flask database upgrade`. (")
            assert "Traceback" not in failed.output
        app.portal.call(app.portal.close)


def test_an_impossible_number_is_refused() -> None:
    app = create_app({"DATABASE_URL": "sqlite:////x", "ACTIVITY_DATABASE_URL": "sqlite:////y", "SECRET_KEY": "x"})
    for number in ("0", "-1", "many", "10000001"):
        failed = run(app, "seed", "--books", number)
        assert failed.exit_code == 2
        assert "Invalid value for '--books'" in failed.output
