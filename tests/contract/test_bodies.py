"""Bodies that are refused: what is wrong is named, and nothing is kept. In one commit mode: no session is begun."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from .transcripts import Api, invalid, problem

pytestmark = pytest.mark.parametrize("mode", ["autocommit_include_redirect"], indirect=True)

KEY = "01890a5d-ac96-774b-bcce-b302099a8057"
LIMIT = 8 * 1024 * 1024
NOT_JSON = "The body is not valid JSON in UTF-8."
NOT_SENT_AS_JSON = "The body must be JSON: send it with Content-Type: application/json."
TOO_LARGE = "The data value transmitted exceeds the capacity limit."
MINIMAL: dict[str, dict[str, Any]] = {"author": {"name": "x"}, "book": {"title": "x", "author_id": KEY}, "tag": {"name": "x"}}
REQUIRED = {"author": ["name"], "book": ["title", "author_id"], "tag": ["name"]}
YEAR = [
    ("1900", "Expected `int | null`, got `str`"),
    (1900.5, "Expected `int | null`, got `float`"),
    (True, "Expected `int | null`, got `bool`"),
    ([], "Expected `int | null`, got `array`"),
    (-3001, "Expected `int` >= -3000"),
    (2101, "Expected `int` <= 2100"),
    (10**400, "Expected `int` <= 2100"),
    (2**63, "Expected `int` <= 2100"),
]
TEXT = [
    ("", "Expected `str` of length >= 1"),
    ("x" * 4001, "Expected `str` of length <= 4000"),
    (" \n", "must not be blank"),
    ("a\0b", "must not contain the character U+0000"),
    (1, "Expected `str | null`, got `int`"),
    ({}, "Expected `str | null`, got `object`"),
]
LANGUAGE = "a language code of two or three small letters (ISO 639) such as fr"
COUNTRY = "a country code of two capital letters (ISO 3166) such as FR"
ISBN = "13 digits without hyphens"


def named(longest: int) -> list[tuple[Any, str]]:
    return [
        (None, "Expected `str`, got `null`"),
        (1, "Expected `str`, got `int`"),
        (["x"], "Expected `str`, got `array`"),
        ("", "Expected `str` of length >= 1"),
        ("x" * (longest + 1), f"Expected `str` of length <= {longest}"),
        ("\u2003", "must not be blank"),
        ("\0", "must not contain the character U+0000"),
    ]


def coded(what: str, *wrong: str) -> list[tuple[Any, str]]:
    return [*((text, f"Expected {what}") for text in wrong), (7, "Expected `str | null`, got `int`")]


FIELDS: dict[str, dict[str, list[tuple[Any, str]]]] = {
    "author": {
        "name": named(200),
        "born": YEAR,
        "died": YEAR,
        "country": coded(COUNTRY, "", "F", "FRA", "fr", "ÀÀ", " FR"),
        "biography": TEXT,
    },
    "book": {
        "title": named(300),
        "author_id": [
            (None, "Expected `uuid`, got `null`"),
            ("x", "Invalid UUID"),
            ("", "Invalid UUID"),
            (5, "Expected `uuid`, got `int`"),
            (f"{KEY}0", "Invalid UUID"),
        ],
        "published": YEAR,
        "language": coded(LANGUAGE, "", "e", "engl", "EN", "e1"),
        "pages": [*YEAR[:4], (0, "Expected `int` >= 1"), (50_001, "Expected `int` <= 50000"), (-(2**63), "Expected `int` >= 1")],
        "isbn": coded(ISBN, "", "978-3-16-148410-0", "978316148410X", "978316148410", "97831614841000", "٩" * 13),
        "summary": TEXT,
        "tags": [
            (None, "Expected `array`, got `null`"),
            ("novel", "Expected `array`, got `str`"),
            (["x"] * 21, "Expected `array` of length <= 20"),
        ],
    },
    "tag": {"name": named(60), "description": TEXT},
}
every_kind = pytest.mark.parametrize("kind", FIELDS)


def send(api: Api, kind: str, content: bytes, content_type: str = "application/json") -> Iterator[httpx.Response]:
    """The answers to a body by POST and by PATCH, of a record that need not be there: the body is checked first."""
    for method, path in (("POST", f"/{kind}s"), ("PATCH", f"/{kind}s/{KEY}")):
        yield api(method, path, content=content, headers={"Content-Type": content_type})


@every_kind
def test_each_field_is_checked(api: Api, kind: str) -> None:
    with api.store.unchanged():
        for field, cases in FIELDS[kind].items():
            for value, message in cases:
                content = json.dumps({**MINIMAL[kind], field: value}).encode()
                for response in send(api, kind, content):
                    invalid(response, field, message)


@every_kind
def test_fields_that_are_missing_or_unknown(api: Api, kind: str) -> None:
    with api.store.unchanged():
        for field in REQUIRED[kind]:
            rest = {name: value for name, value in MINIMAL[kind].items() if name != field}
            invalid(api.post(f"/{kind}s", rest), field, "is required")
        for field in ("id", "created_at", "sort_key", "Name", "a.b", "<b>", "ü"):
            for response in send(api, kind, json.dumps({**MINIMAL[kind], field: "x"}).encode()):
                invalid(response, field, "is unknown")
        invalid(api.post(f"/{kind}s", {**MINIMAL[kind], "": "x"}), "", "Object contains unknown field ``")


@every_kind
def test_a_body_that_is_no_object(api: Api, kind: str) -> None:
    names = {"null": "null", "[]": "array", "1": "int", "1.5": "float", '"x"': "str", "true": "bool", "[" * 100_000: "array"}
    with api.store.unchanged():
        for text, name in names.items():
            for response in send(api, kind, text.encode()):
                invalid(response, "", f"Expected `object`, got `{name}`")


MALFORMED = [
    b"",
    b" ",
    b"{",
    b"{'name': 'x'}",
    b'{"name": NaN}',
    b'{"name": "x",}',
    b'{"name": "\xff"}',
    b'{"name": "\\ud800"}',
    b'{"name": "a\nb"}',
    b'\xef\xbb\xbf{"name": "x"}',
    '{"name": "x"}'.encode("utf-16"),
]


@every_kind
def test_malformed_json(api: Api, kind: str) -> None:
    with api.store.unchanged():
        for content in MALFORMED:
            for response in send(api, kind, content.replace(b"name", REQUIRED[kind][0].encode())):
                problem(response, 400, NOT_JSON)
        problem(api("POST", "/tags", content=b'{"name": "x"} x', headers={"Content-Type": "application/json"}), 400, NOT_JSON)


@every_kind
def test_a_body_of_another_type(api: Api, kind: str) -> None:
    content = json.dumps(MINIMAL[kind]).encode()
    with api.store.unchanged():
        for content_type in (
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "application/jsonp",
            "json",
        ):
            for response in send(api, kind, content, content_type):
                problem(response, 415, NOT_SENT_AS_JSON)
        problem(api.post(f"/{kind}s"), 415, NOT_SENT_AS_JSON)


def test_other_types_of_json(api: Api) -> None:
    for number, content_type in enumerate(
        ("application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json")
    ):
        content = json.dumps({"name": f"Of type {number}"}).encode()
        assert api("POST", "/tags", content=content, headers={"Content-Type": content_type}).status_code == 201


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large(api: Api, chunked: bool) -> None:
    body = b'{"name": "' + b"x" * LIMIT + b'"}'
    with api.store.unchanged():
        for method, path in (("POST", "/books/bulk"), ("PATCH", f"/tags/{KEY}")):
            content: Any = Chunks(body) if chunked else body
            response = api(method, path, content=content, headers={"Content-Type": "application/json"})
            problem(response, 413, TOO_LARGE)


class Chunks:
    """A body that is sent in chunks, without its length."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self.body), 1 << 20):
            yield self.body[start : start + (1 << 20)]

    def __repr__(self) -> str:
        return f"{len(self.body)} bytes in chunks"


def test_a_body_in_chunks(api: Api) -> None:
    response = api.post("/tags", content=Chunks(b'{"name": "in chunks"}'), headers={"Content-Type": "application/json"})
    assert response.status_code == 201
    assert response.json()["name"] == "in chunks"
