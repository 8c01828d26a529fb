"""What lists can be filtered by."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest

from catalog.folding import fold

from .fixtures import AUTHORS, BOOKS, LISTS, TAGS, names
from .transcripts import Api

every_list = pytest.mark.parametrize("path", LISTS)


def found(api: Api, path: str, **parameters: Any) -> list[str]:
    """The names of all that a filter leaves, in the order of creation; by number or by key it is the same."""
    by_key = names(list(api.walk(path, **parameters, page_size=100)))
    assert "order_by" not in parameters
    answer = api.get(path, params={**parameters, "page_size": 100, "order_by": "created_at"}).json()
    assert answer["total"] == len(by_key)
    assert names(answer["items"]) == by_key[:100]
    return by_key


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("/authors", "emile", ["Émile Zola"]),
        ("/authors", "ÉMILE ZOLA", ["Émile Zola"]),
        ("/authors", " zola ", ["Émile Zola"]),
        ("/authors", "ryunosuke", ["Akutagawa Ryūnosuke"]),
        ("/authors", "nobody at all", []),
        ("/tags", "REAL", ["realism"]),
        ("/books", "karenina", ["Anna Karenina"]),
        ("/books", "%", []),
        ("/books", "_", []),
        ("/books", "\\", []),
        ("/books", "' OR 1=1 --", []),
        ("/books", "x" * 300, []),
        ("/books", "\N{PILE OF POO}", []),
    ],
)
def test_search_ignores_case_and_accents_and_takes_every_character_as_it_is(
    library: Api, path: str, text: str, expected: list[str]
) -> None:
    assert found(library, path, search=text) == expected


def test_books_are_found_by_title_or_author(library: Api) -> None:
    expected = [book["title"] for book in BOOKS if "war" in fold(book["title"]) or "war" in fold(book["author"])]
    by_author_only = [book["title"] for book in BOOKS if "tolstoy" in fold(book["author"])]
    assert found(library, "/books", search="war") == expected
    assert found(library, "/books", search="Tolstoy") == by_author_only
    assert len(expected) > 1 < len(by_author_only)


@every_list
def test_an_empty_search_finds_everything(library: Api, path: str) -> None:
    assert found(library, path, search="") == names(LISTS[path][1])


@every_list
def test_invalid_utf_8_finds_nothing(library: Api, path: str) -> None:
    response = library.get(f"{path}?search=%ff%fe")
    assert response.status_code == 200
    assert response.json() == {"items": [], "total": 0, "page": 1, "page_size": 20}


@every_list
def test_ids(library: Api, path: str) -> None:
    first, second, third, *_ = library.get(path, params={"order_by": "created_at"}).json()["items"]
    keys = [first["id"], third["id"].upper()]
    expected = names([first, third])
    assert found(library, path, ids=",".join(keys)) == expected
    assert found(library, path, ids=keys) == expected
    assert found(library, path, ids=f" {keys[0]} , {keys[1]},{keys[0]}") == expected
    assert found(library, path, ids=[*keys, str(uuid4())]) == expected
    assert found(library, path, ids=[str(uuid4()), str(uuid4())]) == []
    assert found(library, path, ids=second["id"]) == names([second])
    assert len(found(library, path, ids=",".join([second["id"]] * 100))) == 1


def test_books_of_an_author(library: Api) -> None:
    (tolstoy,) = library.get("/authors", params={"search": "tolstoy"}).json()["items"]
    expected = [book["title"] for book in BOOKS if book["author"] == tolstoy["name"]]
    assert found(library, "/books", author=tolstoy["id"]) == expected
    assert found(library, "/books", author=str(uuid4())) == []
    assert found(library, "/books", author=tolstoy["id"], search="anna") == ["Anna Karenina"]


def test_books_with_a_tag(library: Api) -> None:
    tag = next(tag["name"] for tag in TAGS if not tag["name"].isalpha())  # "children's literature", say
    expected = [book["title"] for book in BOOKS if tag in book["tags"]]
    assert len(expected) > 1
    assert found(library, "/books", tag=tag) == expected
    assert found(library, "/books", tag=f" {tag.upper()} ") == expected
    assert found(library, "/books", tag=tag[:-1]) == []
    assert found(library, "/books", tag="%") == []


def test_books_between_two_years_that_do_not_count(library: Api) -> None:
    years = sorted(book["published"] for book in BOOKS if book["published"] is not None)
    low, high = years[10], years[-10]

    def published(low: int, high: int) -> list[str]:
        return [book["title"] for book in BOOKS if book["published"] is not None and low < book["published"] < high]

    assert found(library, "/books", published_after=low, published_before=high) == published(low, high)
    assert found(library, "/books", published_after=low) == published(low, 9999)
    assert found(library, "/books", published_before=low) == published(-9999, low)
    assert found(library, "/books", published_before=0) == published(-9999, 0) != []
    assert found(library, "/books", published_before=-3000) == found(library, "/books", published_after=2100) == []


@every_list
def test_records_created_before_and_after(library: Api, path: str) -> None:
    items = list(library.walk(path, page_size=100))
    everything = names(items)
    moment = items[0]["created_at"]
    assert found(library, path, created_before=moment) == []
    assert found(library, path, created_after=moment) == names([item for item in items if item["created_at"] > moment])
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert found(library, path, created_before=tomorrow.date().isoformat()) == everything
    assert found(library, path, created_after=tomorrow.isoformat()) == []
    assert found(library, path, created_after="2020-01-01T00:00:00", created_before="9999-12-31T23:59:59Z", search="la")


@pytest.mark.parametrize("hours", [-11, 0, 14])
def test_times_are_compared_across_offsets(library: Api, hours: int) -> None:
    last = list(library.walk("/tags", page_size=100))[-1]
    moment = datetime.fromisoformat(last["created_at"]).astimezone(timezone(timedelta(hours=hours)))
    assert last["name"] not in found(library, "/tags", created_before=moment.isoformat())
    later = moment + timedelta(microseconds=1)
    assert last["name"] in found(library, "/tags", created_before=later.isoformat())


def test_filters_are_combined(library: Api) -> None:
    (dickens,) = library.get("/authors", params={"search": "dickens"}).json()["items"]
    expected = [
        book["title"]
        for book in BOOKS
        if book["author"] == "Charles Dickens" and "novel" in book["tags"] and 1845 < book["published"] < 1862
    ]
    filters = {"author": dickens["id"], "tag": "novel", "published_after": 1845, "published_before": 1862, "search": "dickens"}
    assert found(library, "/books", **filters) == expected != []


def test_authors_without_a_birth_year_are_not_lost(library: Api) -> None:
    assert any(author["born"] is None for author in AUTHORS)
    assert len(found(library, "/authors")) == len(AUTHORS)
