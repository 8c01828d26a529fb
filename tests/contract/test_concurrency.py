"""Many clients at once: only right answers, and nothing is lost or mixed up."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from .serving import Served

CLIENTS = 8
ROUNDS = 2

pytestmark = pytest.mark.parametrize("mode", ["autocommit_include_redirect"], indirect=True)


def ask(client: httpx.Client, status: int, method: str, path: str, **options: Any) -> Any:
    response = client.request(method, path, **options)
    assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
    return response.json() if response.headers.get("content-type") == "application/json" else response.text


def work(served: Served, number: int, start: threading.Barrier) -> int:
    """Ten requests a round, whose answers nobody else's requests may change; returns how many were sent."""
    sent = 0
    with httpx.Client(base_url=served.url, timeout=60, verify=False) as client:

        def send(status: int, method: str, path: str, **options: Any) -> Any:
            nonlocal sent
            sent += 1
            return ask(client, status, method, path, **options)

        start.wait(30)
        for turn in range(ROUNDS):
            mine = f"~client {number} in turn {turn}"
            author = send(201, "POST", "/authors", json={"name": mine})
            titles = [f"{mine}, book {part}" for part in range(3)]
            bodies = [
                {"title": title, "author_id": author["id"], "tags": ["~shared by all", f"~client {number}"]} for title in titles
            ]
            assert send(201, "POST", "/books/bulk", json=bodies)["count"] == 3
            books = send(200, "GET", f"/books?author={author['id']}&order_by=title")
            assert [book["title"] for book in books["items"]] == titles
            assert {book["author"]["name"] for book in books["items"]} == {mine}
            renamed = send(
                200, "PATCH", f"/books/{books['items'][1]['id']}", json={"title": f"{mine}, renamed", "pages": turn + 1}
            )
            assert send(200, "GET", f"/books/{renamed['id']}") == renamed
            assert (renamed["title"], renamed["pages"]) == (f"{mine}, renamed", turn + 1)
            send(409, "POST", "/authors", json={"name": mine})
            send(409, "POST", "/books", json={"title": "Nobody's", "author_id": renamed["id"]})
            send(204, "DELETE", f"/books/{renamed['id']}")
            if turn == 0:
                assert send(200, "GET", "/reports/overview")["prolific_authors"][0]["books"] >= 3
            else:
                assert {"name": f"~client {number}", "books": 2 * turn + 2} in send(200, "GET", "/reports/tags")["items"]
            assert send(200, "GET", f"/activity?subject={renamed['id']}")["total"] == 2
    return sent


def test_concurrent_clients(writing_app: Served) -> None:
    before = writing_app.store.counts()
    start = threading.Barrier(CLIENTS)
    with ThreadPoolExecutor(CLIENTS) as threads:
        sent = list(threads.map(lambda number: work(writing_app, number, start), range(CLIENTS)))
    assert sent == [10 * ROUNDS] * CLIENTS
    writing_app.check_at_rest()
    after = writing_app.store.counts()
    turns = CLIENTS * ROUNDS
    assert {table: after[table] - before[table] for table in after} == {
        "author": turns,
        "book": 2 * turns,
        "book_tag": 4 * turns,
        "tag": 1 + CLIENTS,
        "activity": 4 * turns,
    }
    writing_app.store.restore()
