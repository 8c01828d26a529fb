from dataclasses import astuple
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec
import pytest

from catalog import generated
from catalog.folding import fold
from catalog.generated import BOOKS_PER_AUTHOR, BOOKS_PER_BATCH, TAGS, Row
from catalog.models import Author, Book, Tag
from catalog.schemas import AuthorCreate, BookCreate, TagCreate


def rows(count: int) -> tuple[list[Row], list[Row], list[Row]]:
    """All authors, books and links of a library of `count` books."""
    together: tuple[list[Row], list[Row], list[Row]] = ([], [], [])
    for batch in generated.batches(count):
        for whole, part in zip(together, (batch.authors, batch.books, batch.links), strict=True):
            whole.extend(part)
    return together


@pytest.mark.parametrize("count", [1, 9, 10, 11, 999, 1000, 1001, 2345])
def test_a_library_has_what_its_number_says(count: int) -> None:
    authors, books, links = rows(count)
    assert len(books) == count
    assert len(authors) == -(-count // BOOKS_PER_AUTHOR)
    assert {book["author_id"] for book in books} == {author["id"] for author in authors}
    assert {link["book_id"] for link in links} <= {book["id"] for book in books}
    assert all(len(batch.books) <= BOOKS_PER_BATCH for batch in generated.batches(count))


def test_the_same_number_gives_the_same_and_a_larger_one_the_same_and_more() -> None:
    small, again, large = rows(1234), rows(1234), rows(3000)
    assert small == again
    for few, many in zip(small, large, strict=True):
        assert many[: len(few)] == few


def test_the_first_rows_never_change() -> None:
    """Published results name the generated library; its rows are not to change from one version to the next."""
    [batch] = generated.batches(1)
    book = batch.books[0]
    assert batch.authors[0]["name"] == "Ada A. A. Abbott"
    assert str(book["id"]) == "016f5e66-e800-7002-8000-000000000000"
    assert (book["title"], book["published"], book["pages"]) == ("The Amber Archive of Alder Bay", 1681, 368)
    assert book["created_at"] == datetime(2020, 1, 1, tzinfo=UTC)


def test_what_must_be_unique_is() -> None:
    authors, books, links = rows(10_001)
    for values in (
        [author["name"] for author in authors],
        [row["id"] for row in authors + books + generated.tags()],
        [book["isbn"] for book in books],
        [(book["author_id"], book["title"]) for book in books],
        [tuple(link.values()) for link in links],
        [tag["name"] for tag in generated.tags()],
    ):
        assert len(values) == len(set(values))
    names = {generated.author(number)["name"] for number in range(990_000, 1_000_000)}
    assert len(names) == 10_000
    assert names.isdisjoint(author["name"] for author in authors)


def test_keys_are_uuid_version_7_in_the_order_of_creation() -> None:
    authors, books, _ = rows(2500)
    for kind in (authors, books, generated.tags()):
        keys = [row["id"] for row in kind]
        assert keys == sorted(keys)
        assert {(key.version, key.variant) for key in keys} == {(7, "specified in RFC 4122")}
        moments = [datetime.fromtimestamp((key.int >> 80) / 1000, UTC) for key in keys]
        assert moments == [row["created_at"] for row in kind]
    assert generated.book(10_000_000)["id"].version == 7


@pytest.mark.parametrize(
    ("schema", "make"),
    [(AuthorCreate, generated.author), (BookCreate, generated.book)],
    ids=["authors", "books"],
)
def test_rows_are_what_the_api_would_accept(schema: type[Any], make: Any) -> None:
    for number in [*range(500), 999_999, 9_999_999]:
        row = {name: value for name, value in make(number).items() if name in schema.__struct_fields__ and value is not None}
        assert msgspec.to_builtins(msgspec.convert(row, schema)).items() >= msgspec.to_builtins(row).items()


def test_tags_are_what_the_api_would_accept() -> None:
    assert len(generated.tags()) == TAGS
    for tag in generated.tags():
        msgspec.convert({"name": tag["name"]}, TagCreate)


def test_rows_fill_the_columns_that_the_models_fill() -> None:
    [batch] = islice(generated.batches(100), 1)
    for model, found in ((Author, batch.authors), (Book, batch.books), (Tag, generated.tags())):
        columns = set(model.__table__.columns.keys()) - {"sa_orm_sentinel"}
        for row in found:
            assert set(row) == columns
            assert row["sort_key"] == fold(row.get("title") or row["name"])
    assert all(astuple(batch))


def test_isbns_have_a_right_check_digit() -> None:
    for number in (0, 1, 7, 123_456_789):
        digits = [int(digit) for digit in generated.book(number)["isbn"]]
        assert len(digits) == 13
        assert (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


def test_books_differ_in_what_they_are_filtered_by() -> None:
    _, books, links = rows(5000)
    assert len({book["published"] for book in books}) > 500
    assert len({book["language"] for book in books}) == len(set(generated.LANGUAGES))
    assert {len([link for link in links if link["book_id"] == book["id"]]) for book in books[:100]} == {0, 1, 2, 3}
