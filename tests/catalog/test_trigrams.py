"""Search through an index of trigrams finds what LIKE finds in every row, at once, on both databases."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from sqlalchemy import Engine, make_url, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app_async import create_app
from benchmarks.machinery.postgres import PostgresServer
from catalog import statements
from catalog.models import Author, Book
from catalog.queries import AUTHORS, BOOKS, Resource, parse
from catalog.statements import AUTHOR_VIEW, BOOK_VIEW, page_statements, read_page
from catalog.trigrams import sieve

from .conftest import NewDatabase, Urls

NAMES = [
    "War and Peace",
    "WAR",
    "award",
    "Émile Zola",
    "100% wool_yarn/tweed",
    "100 wool yarn tweed",
    'He said "war" and left',
    "it's * NEAR(the end) AND NOT OR",
    "\U0001d538\N{DOUBLE-STRUCK CAPITAL N}\U0001d53b",
    "A™B™Catm",
    "Straße nach Ätna",
    "Война и мир",
    "戦争と平和の日",
    "👩‍🚀👩‍🚀👩‍🚀",
    "-war: ^war* {war} + war\\",
    "a b c d e f",
    "aaa aaaa",
    "ﬁnal ﬂight",
    "İstanbul \u0131s\u0131",
    "abcdefghij" * 20,
]
PATTERNS = {*NAMES, *(name[at : at + length] for name in NAMES for length in (1, 2, 3, 6) for at in range(0, 30, 5))}
SEARCHES = [
    *sorted(pattern for pattern in PATTERNS if pattern.strip()),
    *('"', '""', "'", "''", "%", "_", "/", "\\", "%%%", "___", "///", "*", "war*", "AND", "OR", "NOT", "NEAR", "NEAR(war)"),
    *(
        '"war" AND',
        "war OR peace",
        "sort_key:war",
        "^war",
        "(war",
        "war peace",
        "b c",
        "x" * 300,
        "".join(map(chr, range(97, 397))),
    ),
]


@pytest.fixture
def filled(session: Session) -> Session:
    authors = [Author(name=name) for name in NAMES]
    session.add_all([Book(title=name, author=author) for name, author in zip(NAMES, [*authors[1:], authors[0]], strict=True)])
    session.commit()
    return session


def found(session: Session, resource: Resource, search: str, **more: str) -> Any:
    query = parse(resource, MultiDict({"page_size": "7", **more, "search": search}))
    view = BOOK_VIEW if resource is BOOKS else AUTHOR_VIEW
    answers = [read_page(view, query, session.execute(*statement).all()) for statement in page_statements(view, query)]
    return next((answer for answer in answers if getattr(answer, "next", None)), answers[-1])


def plan(session: Session, search: str) -> str:
    """How a page of books is found."""
    statement, values = page_statements(BOOK_VIEW, parse(BOOKS, MultiDict({"search": search, "after": ""})))[-1]
    compiled = statement.compile(session.get_bind())
    bound = compiled.construct_params(values)
    parameters = tuple(bound[name] for name in compiled.positiontup or ()) or bound
    explain = "EXPLAIN" if session.get_bind().dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    return "\n".join(str(row) for row in session.connection().exec_driver_sql(f"{explain} {compiled}", parameters))


@pytest.fixture
def few_near(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """So few items are looked through before the index is asked that both happen here."""
    monkeypatch.setattr(statements, "NEAR", 9)
    statements._page.cache_clear()
    yield
    statements._page.cache_clear()


@pytest.mark.usefixtures("few_near")
@pytest.mark.parametrize("resource", [BOOKS, AUTHORS], ids=["books", "authors"])
def test_the_answers_are_those_without_the_index(filled: Session, resource: Resource, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [str(item.id) for item in found(filled, resource, "", after="", page_size="100").items]
    ways = [
        {},
        {"order_by": "-created_at", "page": "2"},
        *({"after": after, "page_size": "3"} for after in ("", keys[0], keys[9])),
    ]
    queries = [(search, more) for search in SEARCHES for more in ways]
    by_index = [found(filled, resource, search, **more) for search, more in queries]
    monkeypatch.setattr(statements, "sieve", lambda _: "")
    assert by_index == [found(filled, resource, search, **more) for search, more in queries]
    assert sum(bool(one.items) for one in by_index) > len(queries) / 3


@pytest.mark.usefixtures("few_near")
def test_a_page_that_is_near_is_found_without_the_index(filled: Session) -> None:
    query = parse(BOOKS, MultiDict({"search": "war", "after": "", "page_size": "2"}))
    (near, values), (by_index, _) = page_statements(BOOK_VIEW, query)
    read = [read_page(BOOK_VIEW, query, filled.execute(statement, values).all()) for statement in (near, by_index)]
    assert read[0] == read[1]
    assert getattr(read[0], "next", None)
    assert "book_search" in str(by_index.compile(dialect=sqlite.dialect()))
    assert "book_search" not in str(near.compile(dialect=sqlite.dialect()))


def test_filters_go_together_with_the_index(filled: Session) -> None:
    zola = next(one for one in found(filled, BOOKS, "zola").items if one.title != "Émile Zola")
    assert found(filled, BOOKS, "zola").total == 2
    assert [one.title for one in found(filled, BOOKS, "zola", author=str(zola.author.id)).items] == [zola.title]
    assert found(filled, BOOKS, "zola", tag="none").total == 0


@pytest.mark.parametrize(
    ("search", "looked_up"), [("peace", True), ("the end", True), ("wa", False), ("a b c", False), ("%%%%", False)]
)
def test_the_index_is_used_where_it_has_what_is_sought(filled: Session, search: str, looked_up: bool) -> None:
    if filled.get_bind().dialect.name == "postgresql":
        filled.execute(text("SET enable_seqscan = off"))
        filled.execute(text("SET enable_indexscan = off"))
        assert "_search" in plan(filled, search) or not looked_up  # its planner may look up what is short, too
    else:
        assert ("_search" in plan(filled, search)) == looked_up


def test_a_sieve_lets_through_whatever_the_pattern_matches() -> None:
    assert sieve("%amber archive of y/_ew%") == "%amb%arc%hiv%"
    assert sieve("%of/_it/%or//so%") == sieve("%%") == sieve("") == ""


@pytest.fixture
def app(urls: Urls) -> Iterator[Flask]:
    with serving(urls) as app:
        yield app


@contextmanager
def serving(urls: Urls) -> Iterator[Flask]:
    app = create_app({"DATABASE_URL": urls[0], "ACTIVITY_DATABASE_URL": urls[1], "SECRET_KEY": "x"})
    yield app
    app.portal.call(app.portal.close)


def titles(app: Flask, search: str) -> list[str]:
    answer = app.test_client().get("/books", query_string={"search": search}).get_json()
    assert answer["total"] == len(answer["items"])
    return [book["title"] for book in answer["items"]]


def test_what_is_written_is_found_at_once_and_what_is_gone_is_not(app: Flask, engine: Engine) -> None:
    client = app.test_client()
    author = client.post("/authors", json={"name": "Wilhelmina Q."}).get_json()["id"]
    book = client.post("/books", json={"title": "Zyxomma", "author_id": author}).get_json()["id"]
    assert titles(app, "yxo") == titles(app, "helmi") == ["Zyxomma"]
    client.patch(f"/books/{book}", json={"title": "Orthetrum", "pages": 3})
    client.patch(f"/authors/{author}", json={"name": "Theodora Q."})
    assert titles(app, "zyxomma") == titles(app, "wilhelmina") == []
    assert titles(app, "thetr") == titles(app, "theod") == ["Orthetrum"]
    assert (
        client.post("/books/bulk", json=[{"title": f"Libellula {n}", "author_id": author} for n in range(3)]).status_code == 201
    )
    assert titles(app, "libell") == ["Libellula 0", "Libellula 1", "Libellula 2"]
    client.delete(f"/books/{book}")
    assert titles(app, "orthetrum") == []
    assert len(titles(app, "theodora")) == 3
    if engine.dialect.name == "sqlite":
        with engine.begin() as connection:
            for name in ("author_search", "book_search"):
                connection.execute(text(f"INSERT INTO {name} ({name}, rank) VALUES ('integrity-check', 1)"))


def flask(app: Flask, *arguments: str) -> str:
    ended = app.test_cli_runner().invoke(args=["database", *arguments])
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_rows_from_before_are_indexed_and_the_index_can_be_taken_away(urls: Urls, app: Flask, engine: Engine) -> None:
    flask(app, "downgrade", "--no-prompt", "--bind-key", "default", "0001")
    with Session(engine) as session:
        session.add(Book(title="Zyxomma", author=Author(name="Wilhelmina Q.")))
        session.commit()
    with engine.connect() as connection:
        left = "SELECT indexname FROM pg_indexes" if engine.dialect.name == "postgresql" else "SELECT name FROM sqlite_master"
        assert not [name for (name,) in connection.execute(text(left)) if "_search" in name]
    flask(app, "upgrade", "--no-prompt")
    assert titles(app, "yxo") == titles(app, "helmi") == ["Zyxomma"]
    flask(app, "check")


def test_vacuum_leaves_the_index_right(tmp_path: Path, migrated: Any) -> None:
    urls = migrated("sqlite")
    with serving(urls) as app:
        client = app.test_client()
        author = client.post("/authors", json={"name": "Q."}).get_json()["id"]
        made = [
            client.post("/books", json={"title": f"{word}mma", "author_id": author}).get_json()["id"]
            for word in ("one", "two", "six")
        ]
        client.delete(f"/books/{made[0]}")
    file = urls[0].removeprefix("sqlite:///")
    for command in ("VACUUM", f"VACUUM INTO '{tmp_path / 'copy'}'"):
        connection = sqlite3.connect(file)
        connection.execute(command)
        connection.close()
    with serving(urls) as app:
        assert titles(app, "twomma") == ["twomma"]
    shutil.move(tmp_path / "copy", file)
    with serving(urls) as app:
        assert titles(app, "sixmma") == ["sixmma"]


@pytest.fixture
def without_extension(postgres: PostgresServer, new_database: NewDatabase) -> Iterator[str]:
    """The URL of a database in which the role may make tables, and no extension."""
    with new_database("postgresql") as url, psycopg.connect(url, autocommit=True) as connection:
        role = sql.Identifier(f"{make_url(url).database}_role")
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'plain'").format(role))
        connection.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(role))
        yield make_url(url).set(username=f"{make_url(url).database}_role", password="plain").render_as_string(hide_password=False)
        connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))


def test_a_role_that_may_not_make_the_extension_goes_without(without_extension: str) -> None:
    with serving((without_extension, without_extension)) as app:
        said = flask(app, "upgrade", "--no-prompt")
        assert (
            said.count(
                "This role may not make the extension pg_trgm: until 0002 is done again with it, search reads every row.\n"
            )
            == 1
        )
        flask(app, "check")
        client = app.test_client()
        author = client.post("/authors", json={"name": "Wilhelmina Q."}).get_json()["id"]
        client.post("/books", json={"title": "Zyxomma", "author_id": author})
        assert titles(app, "yxo") == titles(app, "helmi") == ["Zyxomma"]
        flask(app, "downgrade", "--no-prompt", "--bind-key", "default", "base")
