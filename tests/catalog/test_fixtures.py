"""The fixture library: complete, consistent, and in the public domain.

Years are historical years, negative for BC: -431 is 431 BC.
"""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import catalog

FIXTURES = Path(catalog.__file__).parent / "fixtures"
LATEST_DEATH = 1954  # life plus 70 years


def load(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    return rows


AUTHORS, BOOKS, TAGS = load("authors"), load("books"), load("tags")
BY_NAME = {author["name"]: author for author in AUTHORS}


def is_year(value: object) -> bool:
    return type(value) is int and value != 0  # there is no year 0


def is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and value == value.strip() and 1 <= len(value) <= longest


def test_library_is_large_enough() -> None:
    assert len(AUTHORS) >= 45
    assert len(BOOKS) >= 170
    assert len(TAGS) >= 30
    assert len({book["language"] for book in BOOKS}) >= 12


def test_keys_are_unique_and_rows_sorted() -> None:
    for keys in (
        [author["name"] for author in AUTHORS],
        [(book["title"], book["author"]) for book in BOOKS],
        [tag["name"] for tag in TAGS],
    ):
        assert keys == sorted(set(keys))


@pytest.mark.parametrize("author", AUTHORS, ids=lambda author: author["name"])
def test_author(author: dict[str, Any]) -> None:
    assert author.keys() == {"name", "born", "died", "country", "biography"}
    assert is_text(author["name"], 200)
    assert is_text(author["biography"], 600)
    assert author["country"] is None or re.fullmatch("[A-Z]{2}", author["country"])
    born, died = author["born"], author["died"]
    assert born is None or is_year(born)
    assert died is None or (is_year(died) and died <= LATEST_DEATH)
    assert died is not None or born is None or born < 1000, "only ancient authors die unrecorded"
    assert born is None or died is None or born < died


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book["title"])
def test_book(book: dict[str, Any]) -> None:
    assert book.keys() == {"title", "author", "published", "language", "pages", "summary", "tags"}
    assert is_text(book["title"], 300)
    assert is_text(book["summary"], 400)
    assert re.fullmatch("[a-z]{2}", book["language"])
    assert book["pages"] is None or (type(book["pages"]) is int and book["pages"] > 0)
    assert is_year(book["published"])
    author = BY_NAME[book["author"]]
    assert author["born"] is None or book["published"] >= author["born"] + 10
    assert author["died"] is None or book["published"] <= author["died"] + 60
    assert 2 <= len(book["tags"]) <= 4
    assert len(set(book["tags"])) == len(book["tags"])
    assert set(book["tags"]) <= {tag["name"] for tag in TAGS}


def test_tags_are_well_formed_and_used() -> None:
    uses = Counter(name for book in BOOKS for name in book["tags"])
    for tag in TAGS:
        assert tag.keys() == {"name", "description"}
        assert is_text(tag["name"], 50)
        assert tag["name"] == tag["name"].lower()
        assert is_text(tag["description"], 400)
        assert uses[tag["name"]] >= 2, tag["name"]


def test_every_author_has_a_book() -> None:
    assert {book["author"] for book in BOOKS} == BY_NAME.keys()
