"""What is committed and what is rolled back, for every way in which a view can end, in every commit mode."""

import logging
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from sqlalchemy import func, select

from catalog.models import ACTIVITY_BIND, Activity, Author
from catalog.settings import CommitMode

from .browsing import Page
from .serving import Served
from .transcripts import LEAKS, problem
from .trials import EXISTING

SUCCESS = (200, 204, 299)
REDIRECT = (300, 303, 304, 399)
ERROR = (400, 409, 499, 500, 599)
COMMITTED: dict[CommitMode, tuple[int, ...]] = {
    "manual": (),
    "autocommit": SUCCESS,
    "autocommit_include_redirect": SUCCESS + REDIRECT,
}
BUG = (
    "The server encountered an internal error and was unable to complete your request."
    " Either the server is overloaded or there is an error in the application."
)
_numbers = count()


@pytest.fixture(autouse=True)
def _nothing_stays(writing_app: Served) -> Iterator[None]:
    yield
    writing_app.store.restore()


class Attempt:
    """One request to a trial, and whether its rows were kept."""

    def __init__(self, served: Served, way: object, *steps: str) -> None:
        name = f"~trial {next(_numbers)}"
        self.response = served.client.post(f"/trials/{way}", params={"name": name, **dict.fromkeys(steps, "")})
        served.check_at_rest()
        kept = {
            served.store.rows(select(func.count()).where(Author.name == name))[0][0],
            served.store.rows(select(func.count()).where(Activity.detail == name), ACTIVITY_BIND)[0][0],
        }
        assert len(kept) == 1, "one database kept what the other did not"
        self.kept = kept == {1}


@pytest.mark.parametrize("steps", [(), ("flush",)], ids=["unflushed", "flushed"])
def test_the_status_decides(writing_app: Served, mode: CommitMode, steps: tuple[str, ...]) -> None:
    for status in SUCCESS + REDIRECT + ERROR:
        attempt = Attempt(writing_app, status, *steps)
        assert attempt.response.status_code == status
        assert attempt.kept == (status in COMMITTED[mode]), status


def test_what_the_view_committed_stays_and_what_it_rolled_back_is_gone(writing_app: Served) -> None:
    for way in (200, 303, 404, 500, "abort", "raise"):
        assert Attempt(writing_app, way, "commit").kept
        assert not Attempt(writing_app, way, "rollback").kept
        assert not Attempt(writing_app, way, "flush", "rollback").kept


def test_a_streamed_answer(writing_app: Served, mode: CommitMode) -> None:
    attempt = Attempt(writing_app, "stream")
    assert attempt.response.text == "ab"
    assert attempt.kept == (mode != "manual")


@pytest.mark.parametrize("steps", [(), ("flush",)], ids=["unflushed", "flushed"])
def test_an_exception_keeps_nothing(writing_app: Served, steps: tuple[str, ...], caplog: pytest.LogCaptureFixture) -> None:
    for way in ("raise", "fail-after"):
        caplog.clear()
        attempt = Attempt(writing_app, way, *steps)
        problem(attempt.response, 500, BUG)
        assert not attempt.kept
        assert "secret words of a bug" in caplog.text
    attempt = Attempt(writing_app, "abort", *steps)
    assert attempt.response.status_code == 409
    assert not attempt.kept


@pytest.mark.parametrize("steps", [(), ("flush",)], ids=["unflushed", "flushed"])
def test_a_commit_that_fails_keeps_nothing(
    writing_app: Served, mode: CommitMode, steps: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    for _ in range(3):  # more often than a lost connection would let pass unnoticed
        if mode == "manual":
            for way in ("unknown-author", "duplicate", "broken-log"):
                attempt = Attempt(writing_app, way, *steps)
                assert attempt.response.text == "done"
                assert not attempt.kept
            continue
        attempt = Attempt(writing_app, "unknown-author", *steps)
        problem(attempt.response, 409, "A record that this one refers to does not exist.")
        assert not attempt.kept
        attempt = Attempt(writing_app, "duplicate", *steps)
        taken = [{"field": "name", "message": "is already taken"}]
        problem(attempt.response, 409, "There already is a record with this name.", errors=taken)
        assert not attempt.kept
        attempt = Attempt(writing_app, "broken-log", *steps)
        problem(attempt.response, 500, BUG)
        assert not attempt.kept
    assert writing_app.store.rows(select(func.count()).where(Author.name == EXISTING)) == [(1,)]
    assert Attempt(writing_app, 200).kept == (mode != "manual")


def test_every_writing_endpoint_is_kept_when_it_succeeds_and_not_when_it_fails(writing_app: Served) -> None:
    client, store = writing_app.client, writing_app.store
    number = f"~{next(_numbers)}"

    def send(method: str, path: str, expected: int, **options: Any) -> Any:
        before = store.counts()
        response = client.request(method, path, **options)
        assert response.status_code == expected, response.text
        writing_app.check_at_rest()
        assert (store.counts() != before) == (expected < 400), f"{method} {path} {expected}"
        assert expected < 400 or not LEAKS.search(response.text)
        return response.json() if "json" in response.headers.get("content-type", "") else response

    author = send("POST", "/authors", 201, json={"name": number})
    send("POST", "/authors", 409, json={"name": number})
    send("POST", "/authors", 422, json={"name": ""})
    book = send("POST", "/books", 201, json={"title": f"Book {number}", "author_id": author["id"]})
    send("POST", "/books", 409, json={"title": f"Book {number}", "author_id": author["id"]})
    send("POST", "/books", 409, json={"title": "x", "author_id": book["id"]})
    send("POST", "/books/bulk", 201, json=[{"title": f"Book {number}.{part}", "author_id": author["id"]} for part in range(2)])
    send("POST", "/books/bulk", 409, json=[{"title": "x", "author_id": key} for key in (author["id"], book["id"])])
    tag = send("POST", "/tags", 201, json={"name": number})
    send("POST", "/tags", 409, json={"name": number})
    for kind, key, field in (("authors", author["id"], "name"), ("books", book["id"], "title"), ("tags", tag["id"], "name")):
        send("PATCH", f"/{kind}/{key}", 200, json={field: f"{number} renamed"})
        send("PATCH", f"/{kind}/{key}", 422, json={field: None})
        send("PATCH", f"/{kind}/{book['id'] if kind != 'books' else tag['id']}", 404, json={field: "x"})
    send("DELETE", f"/authors/{author['id']}", 409)
    send("DELETE", f"/books/{book['id']}", 204)
    send("DELETE", f"/books/{book['id']}", 404)
    send("DELETE", f"/tags/{tag['id']}", 204)
    for path, fields in (
        ("/pages/authors/new", {"name": f"{number} page"}),
        ("/pages/books/new", {"title": number, "author": f"{number} page"}),
    ):
        token = Page(client.get(path).text).values["csrf_token"]
        send("POST", path, 303, data={**fields, "csrf_token": token})
        send("POST", path, 422, data={**fields, "csrf_token": token})
        send("POST", path, 400, data={**fields, "csrf_token": ""})
    client.cookies.clear()
