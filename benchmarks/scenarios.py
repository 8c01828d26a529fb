"""What is asked of a contender, and the right answer to it. Adding a scenario is one entry in `SCENARIOS`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from benchmarks.load import Request
from catalog import generated
from catalog.schemas import BookRead

BOOKS = 2_000
"""Seeded books, one author to ten of them (`catalog.generated`)."""
TITLE = "Benchmark book"
"""How the titles of books that a scenario makes begin."""
JSON = {"Content-Type": "application/json"}
PAGE_SIZE = 20
WORDS = ("archive", "bell", "bridge", "candle")
"""Searched for; each is in about 42 of 2,000 titles."""


@dataclass(frozen=True)
class Scenario:
    """A kind of work, in batches whose time is taken as a whole.

    `request(number)` is the `number`-th request with its right answer; None where the work is not a request.
    `baseline` and `control`, its A/A control, are contenders; a scenario with `contenders` of its own names them all.
    """

    name: str
    title: str
    batch: int
    request: Callable[[int], Request] | None = None
    database: bool = True
    writes: bool = False
    contenders: tuple[str, ...] = ("sync", "sync-aa", "documented", "loop", "native")
    baseline: str = "sync"
    control: str = "sync-aa"
    unit: str = "request"


def _noop(_: int) -> Request:
    return Request("/noop", check=lambda body: body == b"")


def _read(number: int) -> Request:
    book = _book(number)
    return Request(
        f"/books/{book['id']}",
        check=lambda body: _is_book(body, {"id": book["id"], "title": book["title"], "author": book["author_id"]}),
    )


def _list(number: int) -> Request:
    word = WORDS[number % len(WORDS)]

    def right(body: bytes) -> bool:
        page = json.loads(body)
        years = [item["published"] for item in page["items"]]
        return bool(
            len(years) == PAGE_SIZE
            and page["total"] == _titles_with(word)
            and years == sorted(years, reverse=True)
            and all(word in item["title"].lower() for item in page["items"])
        )

    return Request(f"/books?search={word}&order_by=-published&page_size={PAGE_SIZE}", check=right)


def _create(number: int) -> Request:
    author = _book(number)["author_id"]
    title = f"{TITLE} {number:07}"
    fields = {"title": title, "author_id": author, "published": 1900, "language": "en", "pages": 300, "tags": ["shelf 01"]}
    return Request(
        "/books",
        "POST",
        json.dumps(fields).encode(),
        JSON,
        201,
        lambda body: _is_book(body, {"title": title, "author": author, "tags": ["shelf 01"]}),
    )


def _update(number: int) -> Request:
    book, pages = _book(number), 1 + number % 40_000
    return Request(
        f"/books/{book['id']}",
        "PATCH",
        json.dumps({"pages": pages}).encode(),
        JSON,
        check=lambda body: _is_book(body, {"id": book["id"], "pages": pages}),
    )


def _fan_out(_: int) -> Request:
    def right(body: bytes) -> bool:
        report = json.loads(body)
        return bool(
            report["books"]["total"] >= BOOKS
            and report["authors"]["total"] == BOOKS // generated.BOOKS_PER_AUTHOR
            and report["tags"]["total"] == generated.TAGS
            and len(report["popular_tags"]) == len(report["prolific_authors"]) == 10
            and len(report) == 10
        )

    return Request("/reports/overview", check=right)


SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("noop", "dispatch of an empty view", 100, _noop, database=False),
        Scenario(
            "portal",
            "call of an empty coroutine from synchronous code",
            200,
            database=False,
            contenders=("stock-portal", "stock-portal-aa", "asgiref", "runtime-portal", "own-loop"),
            baseline="stock-portal",
            control="stock-portal-aa",
            unit="call",
        ),
        Scenario("session", "session: open, one query, close", 20, unit="session"),
        Scenario("read", "read one book", 8, _read),
        Scenario("list", f"list: search, order, page of {PAGE_SIZE}", 4, _list),
        Scenario("create", "create a book", 4, _create, writes=True),
        Scenario("update", "update a book", 4, _update, writes=True),
        Scenario("fan-out", "overview report, 10 queries", 2, _fan_out),
    )
}
"""By name, in the order in which they run and are reported."""


@lru_cache(BOOKS)
def _generated(number: int) -> dict[str, str]:
    return {name: str(value) for name, value in generated.book(number).items()}


def _book(number: int) -> dict[str, str]:
    """A seeded book; consecutive numbers give books that are not stored side by side."""
    return _generated(number * 7_919 % BOOKS)


@lru_cache
def _titles_with(word: str) -> int:
    return sum(word in _generated(number)["sort_key"] for number in range(BOOKS))


def _is_book(body: bytes, expected: dict[str, object]) -> bool:
    """Whether `body` is a book as the API shows it, with these values."""
    book = json.loads(body)
    shown = {**book, "author": book["author"]["id"], "tags": [tag["name"] for tag in book["tags"]]}
    return set(book) == set(BookRead.__struct_fields__) and all(shown[name] == value for name, value in expected.items())
