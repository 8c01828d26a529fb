"""What is asked of a contender, and the right answer to it. Adding a scenario is one entry in `SCENARIOS`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

import msgspec

from benchmarks.load import Request
from catalog import generated
from catalog.schemas import BookRead

BOOKS = 10_000
"""Seeded books under load, one author to ten of them (`catalog.generated`)."""
BOOKS_IN_PROCESS = 2_000
TITLE = "Benchmark book"
"""How the titles of books that a scenario makes begin."""
JSON = {"Content-Type": "application/json"}
PAGE_SIZE = 20
BULK = 500
EVERYWHERE = ("sqlite", "postgresql")
UPSTREAM_MILLISECONDS = 20
"""After which the service answers that `upstream-1` and `upstream-5` ask."""
CALLS = (1, 5)
QUERIES, QUERY_MILLISECONDS = 6, 20
BLOCKED_MILLISECONDS, BLOCKED_SHARE = 50, 5
IN_FLIGHT, IN_FLIGHT_MILLISECONDS = 500, 500
DELAYS = (10, 50)
"""Milliseconds that a slow query waits."""
WORDS = ("archive", "bell", "bridge", "candle")
"""Searched for; each is in about one of 48 titles."""


@dataclass(frozen=True)
class Scenario:
    """A kind of work.

    `request(number, books)` is the `number`-th request, with its right answer, to a database of `books`; None for a `mix` of
    other scenarios by weight. `makes` is how many books one request adds, `delay` for how many milliseconds it waits,
    `databases` where it runs: everywhere, if not said otherwise. What is not `usual`
    only profiles measure that name it.

    In process it is done in batches of `batch` requests, whose time is taken as a whole, and whose instructions are counted;
    None: it is not run there.
    """

    name: str
    title: str
    request: Callable[[int, int], Request] | None = None
    batch: int | None = 4
    database: bool = True
    databases: tuple[str, ...] = EVERYWHERE
    writes: bool = False
    makes: int = 0
    mix: Mapping[str, float] = field(default_factory=dict)
    delay: int | None = None
    usual: bool = True

    @property
    def in_process(self) -> bool:
        """Whether it is run in process."""
        return self.request is not None and self.batch is not None

    @property
    def parts(self) -> Mapping[str, float]:
        """The scenarios whose requests it sends, by weight: itself, if it is no mix."""
        return self.mix or {self.name: 1.0}


def _noop(_: int, __: int) -> Request:
    return Request("/noop", check=lambda body: body == b"")


def _read(number: int, books: int) -> Request:
    book = _book(number, books)
    return Request(
        f"/books/{book['id']}",
        check=lambda body: _is_book(body, {"id": book["id"], "title": book["title"], "author": book["author_id"]}),
    )


def _list(number: int, books: int) -> Request:
    word = WORDS[number % len(WORDS)]

    def right(body: bytes) -> bool:
        page = msgspec.json.decode(body)
        years = [item["published"] for item in page["items"]]
        return bool(
            len(years) == PAGE_SIZE
            and page["total"] == _titles_with(word, books)
            and years == sorted(years, reverse=True)
            and all(word in item["title"].lower() for item in page["items"])
        )

    return Request(f"/books?search={word}&order_by=-published&page_size={PAGE_SIZE}", check=right)


def _idiom(request: Callable[[int, int], Request]) -> Callable[[int, int], Request]:
    """The same request to the route that is written as Advanced Alchemy documents it."""
    return lambda number, books: replace(asked := request(number, books), path=f"/idiom{asked.path}")


def _create(number: int, books: int) -> Request:
    author = _book(number, books)["author_id"]
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


def _update(number: int, books: int) -> Request:
    book, pages = _book(number, books), 1 + number % 40_000
    return Request(
        f"/books/{book['id']}",
        "PATCH",
        json.dumps({"pages": pages}).encode(),
        JSON,
        check=lambda body: _is_book(body, {"id": book["id"], "pages": pages}),
    )


def _fan_out(_: int, books: int) -> Request:
    def right(body: bytes) -> bool:
        report = msgspec.json.decode(body)
        return bool(
            report["books"]["total"] >= books
            and report["authors"]["total"] == books // generated.BOOKS_PER_AUTHOR
            and report["tags"]["total"] == generated.TAGS
            and len(report["popular_tags"]) == len(report["prolific_authors"]) == 10
            and len(report) == 10
        )

    return Request("/reports/overview", check=right)


def _once(request: Callable[[int, int], Request]) -> Callable[[int, int], Request]:
    """The same request, after whose answer the server closes the connection: the next one comes on a new connection."""
    return lambda number, books: replace(asked := request(number, books), headers={**asked.headers, "Connection": "close"})


def _waits(path: str, right: object) -> Callable[[int, int], Request]:
    request = Request(path, check=lambda body: bool(msgspec.json.decode(body) == right))
    return lambda _, __: request


def _slow(milliseconds: int) -> Callable[[int, int], Request]:
    return _waits(f"/slow?ms={milliseconds}", {"waited": milliseconds})


def _asking(name: str, title: str, path: str, right: object, delay: int, databases: tuple[str, ...] = ()) -> Scenario:
    """What asks or waits for somebody else; without `databases` it needs none."""
    return Scenario(name, title, _waits(path, right), None, bool(databases), databases or EVERYWHERE, delay=delay, usual=False)


def _bulk(number: int, books: int) -> Request:
    author = _book(number, books)["author_id"]
    made = [{"title": f"{TITLE} {number:07}-{place:03}", "author_id": author, "published": 1900} for place in range(BULK)]

    def right(body: bytes) -> bool:
        answer = msgspec.json.decode(body)
        return bool(answer["count"] == BULK == len(set(answer["ids"])))

    return Request("/books/bulk", "POST", json.dumps(made).encode(), JSON, 201, right)


def _export(_: int, books: int) -> Request:
    def right(body: bytes) -> bool:
        lines = body.splitlines()
        places = (0, books - 1)  # what scenarios have made comes after the seeded books
        return all(msgspec.json.decode(lines[place])["id"] == _generated(place)["id"] for place in places)

    return Request("/books/export", check=right)


SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("noop", "dispatch of an empty view", _noop, 40, database=False),
        Scenario("read", "read one book", _read, 8),
        Scenario("list", f"list: search, order, page of {PAGE_SIZE}", _list, len(WORDS)),
        Scenario("read-idiom", "read one book, as documented", _idiom(_read), 8),
        Scenario("list-idiom", "the same list, as documented", _idiom(_list), len(WORDS)),
        Scenario("create", "create a book", _create, writes=True, makes=1),
        Scenario("update", "update a book", _update, writes=True),
        Scenario("mixed", "80 % reads, 15 % lists, 5 % creates", writes=True, mix={"read": 80, "list": 15, "create": 5}),
        Scenario("fan-out", "overview report, 6 queries", _fan_out, 2),
        *(
            Scenario(
                f"slow-{delay}", f"one query that waits {delay} ms", _slow(delay), None, databases=("postgresql",), delay=delay
            )
            for delay in DELAYS
        ),
        *(
            _asking(
                f"upstream-{calls}",
                f"{calls} HTTP service{'s' * (calls > 1)} asked, {UPSTREAM_MILLISECONDS} ms each",
                f"/upstream?calls={calls}",
                {"answered": calls},
                UPSTREAM_MILLISECONDS,
            )
            for calls in CALLS
        ),
        _asking(
            "fan-out-slow",
            f"{QUERIES} independent queries that wait {QUERY_MILLISECONDS} ms each",
            f"/fan-out-slow?queries={QUERIES}&ms={QUERY_MILLISECONDS}",
            {"answered": QUERIES},
            QUERY_MILLISECONDS,
            ("postgresql",),
        ),
        _asking(
            f"in-flight-{IN_FLIGHT}",
            f"a view that waits {IN_FLIGHT_MILLISECONDS} ms, {IN_FLIGHT} at once",
            f"/wait?ms={IN_FLIGHT_MILLISECONDS}",
            {"waited": IN_FLIGHT_MILLISECONDS},
            IN_FLIGHT_MILLISECONDS,
        ),
        *(
            one
            for view, title in (("block", "blocks"), ("block-in-thread", "blocks a thread of its own"))
            for one in (
                _asking(
                    view,
                    f"a view that {title} for {BLOCKED_MILLISECONDS} ms",
                    f"/{view}?ms={BLOCKED_MILLISECONDS}",
                    {"waited": BLOCKED_MILLISECONDS},
                    BLOCKED_MILLISECONDS,
                ),
                Scenario(
                    view.replace("block", "blocking"),
                    f"reads, and {BLOCKED_SHARE} % of a view that {title} for {BLOCKED_MILLISECONDS} ms",
                    mix={"read": 100 - BLOCKED_SHARE, view: BLOCKED_SHARE},
                    delay=BLOCKED_MILLISECONDS,
                    usual=False,
                ),
            )
        ),
        Scenario("read-once", "read one book, and close the connection", _once(_read), None, usual=False),
        Scenario("newcomers", "reads, a third of them on new connections", mix={"read": 2, "read-once": 1}, usual=False),
        Scenario("bulk", f"create {BULK} books in one request", _bulk, None, writes=True, makes=BULK),
        Scenario("export", "stream all books", _export, None),
    )
}
"""By name, in the order in which they run and are reported."""


@lru_cache(100_000)
def _generated(number: int) -> dict[str, str]:
    return {name: str(value) for name, value in generated.book(number).items()}


def _book(number: int, books: int) -> dict[str, str]:
    """A seeded book; consecutive numbers give books that are not stored side by side."""
    return _generated(number * 7_919 % books)


@lru_cache
def _titles_with(word: str, books: int) -> int:
    return sum(word in _generated(number)["sort_key"] for number in range(books))


def _is_book(body: bytes, expected: dict[str, object]) -> bool:
    """Whether `body` is a book as the API shows it, with these values."""
    book = msgspec.json.decode(body)
    shown = {**book, "author": book["author"]["id"], "tags": [tag["name"] for tag in book["tags"]]}
    return set(book) == set(BookRead.__struct_fields__) and all(shown[name] == value for name, value in expected.items())
