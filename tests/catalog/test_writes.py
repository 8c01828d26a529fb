"""What writes through the API keep where views commit themselves, and when requests meet."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app_async import create_app

from .conftest import Migrated

MODES = [("manual", "sqlite"), ("manual", "postgresql")]
"""Tests/contract has the other modes, over HTTP; SQLite that refuses a COMMIT is the hard case here."""


@pytest.fixture(params=MODES, ids="-".join)
def app(request: pytest.FixtureRequest, migrated: Migrated) -> Iterator[Flask]:
    mode, kind = request.param
    url, log = migrated(kind)
    app = create_app({"DATABASE_URL": url, "ACTIVITY_DATABASE_URL": log, "SECRET_KEY": "x", "COMMIT_MODE": mode})
    yield app
    app.portal.call(app.portal.close)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def author(client: FlaskClient) -> str:
    key: str = client.post("/authors", json={"name": "Ann"}).get_json()["id"]
    return key


def titles(client: FlaskClient) -> list[str]:
    return [book["title"] for book in client.get("/books").get_json()["items"]]


def log(client: FlaskClient) -> list[tuple[str, str | None, str]]:
    rows = client.get("/activity?kind=book").get_json()["items"]
    return [(row["action"], row["subject_id"], row["detail"]) for row in reversed(rows)]


def tag_names(book: dict[str, Any]) -> list[str]:
    return [tag["name"] for tag in book["tags"]]


def test_a_book_lives_and_each_write_is_logged(client: FlaskClient, author: str) -> None:
    created = client.post("/books", json={"title": "One", "author_id": author, "tags": ["war", "Álgebra"]})
    book = created.get_json()
    assert (created.status_code, created.location) == (201, f"/books/{book['id']}")
    assert book["author"] == {"id": author, "name": "Ann"}
    assert tag_names(book) == ["Álgebra", "war"]
    assert client.get(created.location).get_json() == book

    other = client.post("/authors", json={"name": "Bob"}).get_json()["id"]
    changed = client.patch(created.location, json={"author_id": other, "tags": ["war", "peace"], "pages": 3})
    after = changed.get_json()
    assert changed.status_code == 200
    assert after["author"] == {"id": other, "name": "Bob"}
    assert (tag_names(after), after["pages"], after["title"]) == (["peace", "war"], 3, "One")
    assert after["updated_at"] > book["updated_at"]
    assert after["created_at"] == book["created_at"]
    assert client.get(created.location).get_json() == after

    emptied = client.patch(created.location, json={"pages": None, "tags": []}).get_json()
    assert (emptied["pages"], emptied["tags"]) == (None, [])
    assert client.patch(created.location, json={}).get_json() == emptied

    assert client.delete(created.location).status_code == 204
    assert client.get(created.location).status_code == client.delete(created.location).status_code == 404
    assert [action for action, _, _ in log(client)] == ["created", "updated", "updated", "updated", "deleted"]
    assert {(key, detail) for _, key, detail in log(client)} == {(book["id"], "One")}


def test_a_refused_commit_keeps_nothing(client: FlaskClient, author: str) -> None:
    kept = client.post("/books", json={"title": "Kept", "author_id": author}).get_json()
    nobody = str(uuid4())
    refused = [
        client.post("/books", json={"title": "Lost", "author_id": nobody, "tags": ["lost"]}),
        client.patch(f"/books/{kept['id']}", json={"title": "Lost", "author_id": nobody, "tags": ["lost"]}),
        client.post("/books/bulk", json=[{"title": "A", "author_id": author}, {"title": "B", "author_id": nobody}]),
        client.delete(f"/authors/{author}"),
    ]
    assert [answer.status_code for answer in refused] == [409] * 4
    assert client.get(f"/books/{kept['id']}").get_json() == kept
    assert titles(client) == ["Kept"]
    assert client.get("/tags").get_json()["total"] == 0
    assert client.get("/authors").get_json()["total"] == 1
    assert [detail for _, _, detail in log(client)] == ["Kept"]
    assert client.post("/books", json={"title": "Next", "author_id": author}).status_code == 201


def test_many_books_are_all_kept_or_none(client: FlaskClient, author: str) -> None:
    many = [{"title": f"Book {number}", "author_id": author, "tags": ["a", f"t{number % 3}"]} for number in range(30)]
    answer = client.post("/books/bulk", json=many)
    assert answer.status_code == 201
    body = answer.get_json()
    assert body["count"] == len(set(body["ids"])) == 30
    for number in (0, 29):
        book = client.get(f"/books/{body['ids'][number]}").get_json()
        assert book["title"] == f"Book {number}"
        assert tag_names(book) == ["a", f"t{number % 3}"]
    assert log(client) == [("created", None, "30 books")]

    repeated = client.post("/books/bulk", json=[{"title": "New", "author_id": author}, many[0]])
    assert repeated.status_code == 409
    assert {error["field"] for error in repeated.get_json()["errors"]} == {"author_id", "title"}
    assert client.get("/books?search=new").get_json()["total"] == 0

    tagged = [{"title": f"T{number}", "author_id": author, "tags": [f"x{number}"]} for number in range(101)]
    refused = client.post("/books/bulk", json=tagged)
    assert refused.status_code == 422
    assert refused.get_json()["detail"] == "There are 101 different tags; at most 100 are allowed at once."


def test_all_books_are_exported(client: FlaskClient, author: str) -> None:
    assert client.get("/books/export").text == ""
    many = [{"title": f"Book {number}", "author_id": author, "tags": ["a"]} for number in range(1000)]
    client.post("/books/bulk", json=many)
    client.post("/books", json={"title": "Line\nbreak", "author_id": author})
    export = client.get("/books/export")
    assert export.mimetype == "application/x-ndjson"
    assert "Content-Length" not in export.headers
    lines = export.text.splitlines()
    assert len(lines) == 1001
    first = client.get("/books?after=&page_size=1")
    assert first.text == f'{{"items":[{lines[0]}],"next":"{first.get_json()["next"]}"}}'
    assert "Line\\nbreak" in lines[-1]


def test_requests_that_make_the_same_tags_all_succeed(app: Flask, client: FlaskClient, author: str) -> None:
    together = Barrier(6)

    def create(number: int) -> int:
        body = {"title": f"Book {number}", "author_id": author, "tags": ["b", "a", "c"][:: 1 if number % 2 else -1]}
        together.wait()
        return app.test_client().post("/books", json=body).status_code

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(create, range(6))) == [201] * 6
    assert [tag["name"] for tag in client.get("/tags").get_json()["items"]] == ["a", "b", "c"]
    assert [tag_names(book) for book in client.get("/books").get_json()["items"]] == [["a", "b", "c"]] * 6


def test_reports_count_what_is_there(client: FlaskClient, author: str) -> None:
    for title, published, language in (("One", 1801, "fr"), ("Two", 1900, "fr"), ("Three", -100, "la")):
        body = {"title": title, "author_id": author, "published": published, "language": language, "pages": published + 200}
        assert client.post("/books", json={**body, "tags": ["a"] if title == "One" else []}).status_code == 201
    client.post("/tags", json={"name": "unused"})
    overview = client.get("/reports/overview").get_json()
    latest = client.get("/activity?page_size=1").get_json()["items"][0]
    assert overview == {
        "authors": {"total": 1},
        "books": {"total": 3},
        "tags": {"total": 2},
        "pages": {"fewest": 100, "most": 2100, "average": 1400.0},
        "centuries": [{"century": -1, "books": 1}, {"century": 19, "books": 2}],
        "languages": [{"language": "fr", "books": 2}, {"language": "la", "books": 1}],
        "prolific_authors": [{"name": "Ann", "books": 3}],
        "popular_tags": [{"name": "a", "books": 1}],
        "activity": [
            {"action": "created", "kind": "author", "writes": 1},
            {"action": "created", "kind": "book", "writes": 3},
            {"action": "created", "kind": "tag", "writes": 1},
        ],
        "latest_write": {"at": latest["created_at"]},
    }
    tags = client.get("/reports/tags").get_json()
    assert tags == {"items": [{"name": "a", "books": 1}, {"name": "unused", "books": 0}]}
