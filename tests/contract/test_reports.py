"""Reports and the export: what they say is what is in the databases."""

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from catalog.models import ACTIVITY_BIND, Activity, Author, Book, Tag, book_tag

from .serving import Served, Style, serve
from .stores import Backend, Stores
from .transcripts import Api

EMPTY = {
    "authors": {"total": 0},
    "books": {"total": 0},
    "tags": {"total": 0},
    "pages": {"fewest": None, "most": None, "average": None},
    "centuries": [],
    "languages": [],
    "prolific_authors": [],
    "popular_tags": [],
    "activity": [],
    "latest_write": {"at": None},
}


def counted(api: Api) -> dict[str, Any]:
    """The overview, counted row by row."""
    authors = {key: (name, folded) for key, name, folded in api.store.rows(select(Author.id, Author.name, Author.sort_key))}
    tags = {key: (name, folded) for key, name, folded in api.store.rows(select(Tag.id, Tag.name, Tag.sort_key))}
    books = api.store.rows(select(Book.author_id, Book.published, Book.language, Book.pages))
    writes = api.store.rows(select(Activity.action, Activity.kind, Activity.created_at), ACTIVITY_BIND)
    pages = sorted(book[3] for book in books if book[3] is not None)
    centuries = Counter((year + 99) // 100 if year > 0 else -((-year + 99) // 100) for _, year, _, _ in books if year is not None)
    languages = Counter(book[2] for book in books if book[2] is not None)

    def top(numbers: Counter[Any], found: dict[Any, tuple[str, str]]) -> list[dict[str, Any]]:
        order = sorted(numbers, key=lambda key: (-numbers[key], found[key][1], key.bytes))
        return [{"name": found[key][0], "books": numbers[key]} for key in order[:10]]

    return {
        "authors": {"total": len(authors)},
        "books": {"total": len(books)},
        "tags": {"total": len(tags)},
        "pages": {"fewest": pages[0], "most": pages[-1], "average": float(mean(pages))},
        "centuries": [{"century": century, "books": centuries[century]} for century in sorted(centuries)],
        "languages": [
            {"language": language, "books": languages[language]}
            for language in sorted(languages, key=lambda language: (-languages[language], language))[:10]
        ],
        "prolific_authors": top(Counter(book[0] for book in books), authors),
        "popular_tags": top(Counter(row[0] for row in api.store.rows(select(book_tag.c.tag_id))), tags),
        "activity": [
            {"action": action, "kind": kind, "writes": number}
            for (action, kind), number in sorted(Counter(write[:2] for write in writes).items())
        ],
        "latest_write": {"at": max(write[2] for write in writes).isoformat().replace("+00:00", "Z")},
    }


def mean(numbers: list[int]) -> Decimal:
    return (Decimal(sum(numbers)) / len(numbers)).quantize(Decimal(1), ROUND_HALF_UP)


@pytest.mark.parametrize("mode", ["autocommit"], indirect=True)
def test_the_overview_is_what_counting_gives(api: Api) -> None:
    author = api.created("/authors", name="Surveyed")
    for number, year in enumerate((-1, -100, -101, 0, 1, 100, 101, 2000, 2001, -3000, 2100)):
        api.created(
            "/books", title=f"Of {year}", author_id=author["id"], published=year, pages=10 + number, language="la", tags=["old"]
        )
    response = api.get("/reports/overview")
    assert response.status_code == 200
    assert response.json() == counted(api)
    centuries = {row["century"] for row in response.json()["centuries"]}
    assert {-30, -2, -1, 0, 1, 2, 20, 21} <= centuries


def test_the_tags_and_their_books(library: Api) -> None:
    names = {key: (folded, name) for key, name, folded in library.store.rows(select(Tag.id, Tag.name, Tag.sort_key))}
    books = Counter(row[0] for row in library.store.rows(select(book_tag.c.tag_id)))
    expected = [{"name": names[key][1], "books": books[key]} for key in sorted(names, key=lambda key: names[key])]
    assert library.get("/reports/tags").json() == {"items": expected}
    assert sum(books.values()) > 0


def test_the_export_is_the_list_line_by_line(library: Api) -> None:
    response = library.get("/books/export")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-ndjson"
    assert "content-length" not in response.headers
    assert response.text.endswith("}\n")
    assert [msgspec.json.decode(line) for line in response.text.splitlines()] == list(library.walk("/books", page_size=100))


@pytest.mark.parametrize("read", [0, 1, 100_000])
def test_an_export_that_is_not_read_to_its_end(library: Api, reading_app: Served, read: int) -> None:
    for _ in range(4):  # times three: more than the pool has
        with reading_app.client.stream("GET", "/books/export") as response:
            chunks = response.iter_bytes()
            seen = b""
            while len(seen) < read:
                seen += next(chunks)
    assert library.get("/books/export").status_code == 200


def test_tables_without_rows(style: Style, backend: Backend, stores: Stores) -> None:
    with serve(style, stores.shared(backend, "tables")) as served:
        client = served.client
        assert client.get("/reports/overview").json() == EMPTY
        assert client.get("/reports/tags").json() == {"items": []}
        assert client.get("/books/export").content == b""
        assert client.get("/books").json() == {"items": [], "total": 0, "page": 1, "page_size": 20}
        assert client.get("/books?after=").json() == {"items": [], "next": None}
        assert "0 books" in client.get("/").text
