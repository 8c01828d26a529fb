from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET

from catalog import limits
from catalog.bodies import field_and_message
from catalog.schemas import AuthorCreate, AuthorUpdate, BookBulk, BookCreate, BookUpdate, TagCreate

KEY = "01890a5d-ac96-774b-bcce-b302099a8057"


def book(**fields: Any) -> dict[str, Any]:
    return {"title": "One", "author_id": KEY, **fields}


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        (AuthorCreate, {"name": "Ann"}),
        (AuthorCreate, {"name": "n" * limits.NAME, "born": -3000, "died": 2100, "country": "FR", "biography": "b" * 4000}),
        (AuthorCreate, {"name": "Ann", "born": 1900, "died": 1900}),
        (AuthorUpdate, {}),
        (AuthorUpdate, {"born": None, "died": None, "country": None, "biography": None}),
        (BookCreate, book()),
        (BookCreate, book(title="t" * limits.TITLE, pages=50_000, language="grc", isbn="9780000000002", summary="s")),
        (BookCreate, book(tags=[f"tag {number}" for number in range(20)])),
        (BookUpdate, {"tags": []}),
        (TagCreate, {"name": "t" * limits.TAG_NAME, "description": None}),
    ],
)
def test_what_is_within_the_bounds_is_accepted(schema: type[Any], body: dict[str, Any]) -> None:
    assert isinstance(msgspec.json.decode(msgspec.json.encode(body), type=schema), schema)


@pytest.mark.parametrize(
    ("schema", "body", "field", "message"),
    [
        (AuthorCreate, {}, "name", "is required"),
        (AuthorCreate, {"name": "Ann", "age": 3}, "age", "is unknown"),
        (AuthorCreate, {"name": 1}, "name", "Expected `str`, got `int`"),
        (AuthorCreate, {"name": ""}, "name", "Expected `str` of length >= 1"),
        (AuthorCreate, {"name": " \t\n\u3000"}, "name", "must not be blank"),
        (AuthorCreate, {"name": "n" * 201}, "name", "Expected `str` of length <= 200"),
        (AuthorCreate, {"name": "a\0b"}, "name", "must not contain the character U+0000"),
        (AuthorCreate, {"name": "Ann", "born": -3001}, "born", "Expected `int` >= -3000"),
        (AuthorCreate, {"name": "Ann", "died": 2101}, "died", "Expected `int` <= 2100"),
        (AuthorCreate, {"name": "Ann", "born": 10**30}, "born", "Expected `int` <= 2100"),
        (AuthorCreate, {"name": "Ann", "born": 1.5}, "born", "Expected `int | null`, got `float`"),
        (AuthorCreate, {"name": "Ann", "born": True}, "born", "Expected `int | null`, got `bool`"),
        (AuthorCreate, {"name": "Ann", "born": 1900, "died": 1899}, "died", "must not be before `born`"),
        (AuthorCreate, {"name": "Ann", "country": "fr"}, "country", f"Expected {limits.FORMATS[limits.COUNTRY_PATTERN]}"),
        (AuthorCreate, {"name": "Ann", "biography": " "}, "biography", "must not be blank"),
        (AuthorUpdate, {"name": None}, "name", "Expected `str`, got `null`"),
        (AuthorUpdate, {"id": KEY}, "id", "is unknown"),
        (AuthorUpdate, {"born": 1900, "died": 1899}, "died", "must not be before `born`"),
        (BookCreate, {"title": "One"}, "author_id", "is required"),
        (BookCreate, book(author_id="1"), "author_id", "Invalid UUID"),
        (BookCreate, book(title="t" * 301), "title", "Expected `str` of length <= 300"),
        (BookCreate, book(pages=0), "pages", "Expected `int` >= 1"),
        (BookCreate, book(pages=50_001), "pages", "Expected `int` <= 50000"),
        (BookCreate, book(language="English"), "language", f"Expected {limits.FORMATS[limits.LANGUAGE_PATTERN]}"),
        (BookCreate, book(isbn="978-0000000002"), "isbn", f"Expected {limits.FORMATS[limits.ISBN_PATTERN]}"),
        (BookCreate, book(isbn="\uff19" * 13), "isbn", f"Expected {limits.FORMATS[limits.ISBN_PATTERN]}"),
        (AuthorCreate, {"name": "Ann", "country": "FR\n"}, "country", f"Expected {limits.FORMATS[limits.COUNTRY_PATTERN]}"),
        (BookCreate, book(language="fr\n"), "language", f"Expected {limits.FORMATS[limits.LANGUAGE_PATTERN]}"),
        (BookCreate, book(isbn="9780000000002\n"), "isbn", f"Expected {limits.FORMATS[limits.ISBN_PATTERN]}"),
        (BookCreate, book(summary="s" * 4001), "summary", "Expected `str` of length <= 4000"),
        (BookCreate, book(tags="novel"), "tags", "Expected `array`, got `str`"),
        (BookCreate, book(tags=["a", ""]), "tags[1]", "Expected `str` of length >= 1"),
        (BookCreate, book(tags=["a", " "]), "tags", "must not be blank"),
        (BookCreate, book(tags=["a"] * 21), "tags", "Expected `array` of length <= 20"),
        (BookCreate, book(tags=["t" * 61]), "tags[0]", "Expected `str` of length <= 60"),
        (BookUpdate, {"author_id": None}, "author_id", "Expected `uuid`, got `null`"),
        (BookUpdate, {"tags": None}, "tags", "Expected `array`, got `null`"),
        (BookBulk, [], "", "Expected `array` of length >= 1"),
        (BookBulk, [book()] * 1001, "", "Expected `array` of length <= 1000"),
        (BookBulk, [book(), book(title=1)], "[1].title", "Expected `str`, got `int`"),
        (BookBulk, [book(), {"title": "Two"}], "[1].author_id", "is required"),
        (BookBulk, [book(), book(title=" ")], "[1].title", "must not be blank"),
        (BookBulk, {}, "", "Expected `array`, got `object`"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_its_name(schema: type[Any], body: Any, field: str, message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.json.decode(msgspec.json.encode(body), type=schema)
    assert field_and_message(error.value) == (field, message)


def test_text_is_stripped_and_tags_are_named_once() -> None:
    body = b'{"title": "  One\\n", "author_id": "%s", "tags": ["b", " a", "b ", "a"]}' % KEY.encode()
    assert msgspec.json.decode(body, type=BookCreate) == BookCreate(title="One", author_id=UUID(KEY), tags=["b", "a"])


def test_an_update_tells_null_from_absent() -> None:
    update = msgspec.json.decode(b'{"pages": null}', type=BookUpdate)
    assert update.pages is None
    assert update.summary is UNSET
