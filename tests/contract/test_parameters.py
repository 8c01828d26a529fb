"""Query parameters that cannot be understood: a problem that names the parameter and says what is allowed."""

from uuid import UUID

import pytest

from .transcripts import Api, problem

YEARS = "must be an integer from -3000 to 2100"
TIME = "must be an ISO 8601 time such as 2024-05-01T12:00:00Z (write + as %2B)"
KEY = "must be a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057"
KEYS = "must be 1 to 100 UUIDs, separated by commas"
SIZE = "must be an integer from 1 to 100"
NUMBER = "must be an integer from 1 to 1000000000"
ONCE = "must be given once"
NUL = "must not contain the character U+0000"
NO_PAGE = "cannot be combined with after: pages by key are in the order of id"
SORTED = {
    "/authors": "name, born, created_at",
    "/books": "title, published, pages, created_at",
    "/tags": "name, created_at",
    "/activity": "created_at",
}
COMMON = {"after", "created_after", "created_before", "ids", "order_by", "page", "page_size"}
ALLOWED = {
    "/authors": COMMON | {"search"},
    "/books": COMMON | {"search", "author", "tag", "published_before", "published_after"},
    "/tags": COMMON | {"search"},
    "/activity": COMMON | {"action", "kind", "subject"},
}
A_KEY = "01890a5d-ac96-774b-bcce-b302099a8057"
BAD = [
    ("page=0", "page", NUMBER),
    ("page=-1", "page", NUMBER),
    ("page=1000000001", "page", NUMBER),
    ("page=99999999999999999999999999", "page", NUMBER),
    ("page=", "page", NUMBER),
    ("page=1e3", "page", NUMBER),
    ("page=1.0", "page", NUMBER),
    ("page=%2B1", "page", NUMBER),
    ("page=+1", "page", NUMBER),
    ("page=0x1", "page", NUMBER),
    ("page=%D9%A3", "page", NUMBER),
    ("page=1%00", "page", NUL),
    ("page=1&page=2", "page", ONCE),
    ("page_size=0", "page_size", SIZE),
    ("page_size=101", "page_size", SIZE),
    ("page_size=all", "page_size", SIZE),
    ("page_size=5&page_size=5", "page_size", ONCE),
    ("after=&page=1", "page", NO_PAGE),
    ("after=&order_by=created_at", "order_by", NO_PAGE),
    (f"after={A_KEY}&page=2", "page", NO_PAGE),
    ("after=1", "after", KEY),
    (f"after={UUID(A_KEY).hex}", "after", KEY),
    (f"after=%7B{A_KEY}%7D", "after", KEY),
    (f"after={A_KEY}&after={A_KEY}", "after", ONCE),
    ("ids=", "ids", KEYS),
    ("ids=1", "ids", KEYS),
    (f"ids={A_KEY},", "ids", KEYS),
    (f"ids={A_KEY}%20{A_KEY}", "ids", KEYS),
    (f"ids={','.join([A_KEY] * 101)}", "ids", KEYS),
    (f"ids={A_KEY}&ids=%00", "ids", NUL),
    ("created_before=yesterday", "created_before", TIME),
    ("created_before=2024-13-01", "created_before", TIME),
    ("created_before=2024-01-01T00:00:00+00:00", "created_before", TIME),
    ("created_after=", "created_after", TIME),
    ("created_after=0001-01-01T00:00:00%2B14:00", "created_after", TIME),
    ("created_after=2024-01-01&created_after=2024-01-02", "created_after", ONCE),
]
BAD_FILTERS = [
    ("/books", "author=tolstoy", "author", KEY),
    ("/books", "author=", "author", KEY),
    ("/books", f"author={A_KEY}&author={A_KEY}", "author", ONCE),
    ("/books", "tag=", "tag", "must be text of 1 to 60 characters"),
    ("/books", f"tag={'x' * 61}", "tag", "must be text of 1 to 60 characters"),
    ("/books", "tag=a%00", "tag", NUL),
    ("/books", "published_before=MDCCC", "published_before", YEARS),
    ("/books", "published_before=2101", "published_before", YEARS),
    ("/books", "published_after=-3001", "published_after", YEARS),
    ("/books", "published_after=--1", "published_after", YEARS),
    ("/books", "search=a&search=b", "search", ONCE),
    ("/books", "search=%20", "search", "must be text of 1 to 300 characters"),
    ("/authors", f"search={'x' * 301}", "search", "must be text of 1 to 300 characters"),
    ("/tags", "search=%00", "search", NUL),
    ("/activity", "action=", "action", "must be text of 1 to 20 characters"),
    ("/activity", f"kind={'x' * 21}", "kind", "must be text of 1 to 20 characters"),
    ("/activity", "subject=x", "subject", KEY),
]


@pytest.mark.parametrize("path", ALLOWED)
def test_a_bad_value(library: Api, path: str) -> None:
    for query, name, message in BAD if path == "/books" else BAD[::4]:  # the lists share the code that reads these
        problem(library.get(f"{path}?{query}"), 400, f"The parameter {name!r} {message}.", parameter=name)


def test_a_bad_value_of_a_filter(library: Api) -> None:
    for path, query, name, message in BAD_FILTERS:
        problem(library.get(f"{path}?{query}"), 400, f"The parameter {name!r} {message}.", parameter=name)


@pytest.mark.parametrize("path", ALLOWED)
def test_an_unknown_parameter(library: Api, path: str) -> None:
    message = f"is unknown here; allowed are {', '.join(sorted(ALLOWED[path]))}"
    for name in ("Page", "limit", "order", "sort_key", "author_id", "id", "x y", "ü", "<b>", ""):
        problem(library.get(path, params={name: "1"}), 400, f"The parameter {name!r} {message}.", parameter=name)


@pytest.mark.parametrize("path", SORTED)
def test_an_unknown_order(library: Api, path: str) -> None:
    message = f"must be one of {SORTED[path]}, with - in front for descending"
    for order in ("", "-", "id", "--created_at", "+created_at", "created_at desc", "sort_key", "NAME", "created_at,id"):
        response = library.get(path, params={"order_by": order})
        problem(response, 400, f"The parameter 'order_by' {message}.", parameter="order_by")


@pytest.mark.parametrize("path", ALLOWED)
def test_every_allowed_parameter_is_allowed(library: Api, path: str) -> None:
    values = {
        "page": "1",
        "page_size": "100",
        "order_by": "-created_at",
        "ids": A_KEY,
        "author": A_KEY,
        "subject": A_KEY,
        "published_before": "2100",
        "published_after": "-3000",
        "created_before": "2024-05-01T12:00:00Z",
        "created_after": "2024-05-01",
    }
    parameters = {name: values.get(name, "x") for name in ALLOWED[path] - {"after"}}
    response = library.get(path, params=dict(sorted(parameters.items())))
    assert response.status_code == 200
    assert response.json() == {"items": [], "total": 0, "page": 1, "page_size": 100}
