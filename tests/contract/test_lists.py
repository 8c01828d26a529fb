"""Lists: pages by number and by key, and their order."""

from typing import Any
from uuid import UUID

import pytest

from .fixtures import AUTHORS, BOOKS, LISTS, TAGS, Item, in_order, names
from .transcripts import Api

FIELDS = {
    "/authors": ["id", "created_at", "updated_at", "name", "born", "died", "country", "biography"],
    "/books": ["id", "created_at", "updated_at", "title", "author", "published", "language", "pages", "isbn", "summary", "tags"],
    "/tags": ["id", "created_at", "updated_at", "name", "description"],
}
every_list = pytest.mark.parametrize("path", LISTS)


def page(api: Api, path: str, **parameters: Any) -> Item:
    response = api.get(path, params=parameters)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    found: Item = response.json()
    return found


def everything(api: Api, path: str, **parameters: Any) -> list[Item]:
    """What all pages by number have."""
    found: list[Item] = []
    number, total = 1, 1
    while len(found) < total:
        answer = page(api, path, **parameters, page=number, page_size=100)
        assert 0 < len(answer["items"]) <= 100
        assert (answer["page"], answer["page_size"]) == (number, 100)
        found += answer["items"]
        number, total = number + 1, answer["total"]
    return found


@every_list
def test_a_list_is_a_page_of_twenty_in_the_order_of_names(library: Api, path: str) -> None:
    answer = page(library, path)
    assert list(answer) == ["items", "total", "page", "page_size"]
    assert (answer["total"], answer["page"], answer["page_size"]) == (len(LISTS[path][1]), 1, 20)
    assert names(answer["items"]) == in_order(LISTS[path][1])[:20]
    assert all(list(item) == FIELDS[path] for item in answer["items"])
    assert all(UUID(item["id"]).version == 7 for item in answer["items"])


def test_items_have_what_was_loaded(library: Api) -> None:
    by_name = {author["name"]: author for author in everything(library, "/authors")}
    assert [{name: by_name[author["name"]][name] for name in author} for author in AUTHORS] == AUTHORS
    shown = [
        {
            **{name: book[name] for name in ("title", "published", "language", "pages", "summary")},
            "author": book["author"]["name"],
            "tags": sorted(names(book["tags"])),
        }
        for book in library.walk("/books")
    ]
    assert shown == [{**book, "tags": sorted(book["tags"])} for book in BOOKS]
    assert all(list(book["author"]) == ["id", "name"] for book in library.walk("/books"))


@every_list
@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_by_number_have_every_row_once(library: Api, path: str, size: int) -> None:
    total = min(len(LISTS[path][1]), 8 * size)
    pages = [page(library, path, page=number, page_size=size)["items"] for number in range(1, -(-total // size) + 1)]
    assert names([item for items in pages for item in items]) == in_order(LISTS[path][1])[: len(pages) * size]


@every_list
@pytest.mark.parametrize("number", [8, 1_000_000_000])
def test_a_page_after_the_last_is_empty(library: Api, path: str, number: int) -> None:
    answer = page(library, path, page=number, page_size=100)
    assert answer == {"items": [], "total": len(LISTS[path][1]), "page": number, "page_size": 100}


@pytest.mark.parametrize(("path", "size"), [("/tags", 1), ("/authors", 7), ("/tags", len(TAGS)), ("/books", 20), ("/books", 100)])
def test_pages_by_key_have_every_row_once_in_the_order_of_keys(library: Api, path: str, size: int) -> None:
    items = list(library.walk(path, page_size=size))
    assert len(library.transcript) == -(-len(items) // size)
    assert names(items) == names(LISTS[path][1])
    assert [item["id"] for item in items] == sorted(item["id"] for item in items)


@pytest.mark.parametrize(
    ("path", "by", "field"),
    [
        ("/authors", "name", ""),
        ("/authors", "born", "born"),
        ("/books", "title", ""),
        ("/books", "published", "published"),
        ("/books", "pages", "pages"),
        ("/tags", "name", ""),
    ],
)
@pytest.mark.parametrize("sign", ["", "-"])
def test_order(library: Api, path: str, by: str, field: str, sign: str) -> None:
    items = everything(library, path, order_by=sign + by)
    assert names(items) == in_order(LISTS[path][1], by=field, descending=bool(sign))


@every_list
@pytest.mark.parametrize("sign", ["", "-"])
def test_order_of_creation(library: Api, path: str, sign: str) -> None:
    items = everything(library, path, order_by=f"{sign}created_at")
    assert names(items) == names(LISTS[path][1])[:: -1 if sign else 1]
