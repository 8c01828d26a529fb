"""Every route: what it answers to each method, and to what is not there."""

from uuid import UUID

import pytest

from .transcripts import Api, problem

LISTED = {"GET", "HEAD", "OPTIONS", "POST"}
ONE = {"GET", "HEAD", "OPTIONS", "PATCH", "DELETE"}
READ = {"GET", "HEAD", "OPTIONS"}
ROUTES = {
    "/": READ,
    "/activity": READ,
    "/authors": LISTED,
    "/authors/<uuid:item_id>": ONE,
    "/books": LISTED,
    "/books/<uuid:item_id>": ONE,
    "/books/bulk": {"OPTIONS", "POST"},
    "/books/export": READ,
    "/idiom/books": READ,
    "/idiom/books/<uuid:item_id>": READ,
    "/pages/authors/new": LISTED,
    "/pages/books/new": LISTED,
    "/reports/overview": READ,
    "/reports/tags": READ,
    "/static/<path:filename>": READ,
    "/tags": LISTED,
    "/tags/<uuid:item_id>": ONE,
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY")
UNKNOWN = "00000000-0000-7000-8000-000000000000"
NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again."
)
NOT_ALLOWED = "The method is not allowed for the requested URL."
PRESENT = {"/authors/<uuid:item_id>": "/authors", "/books/<uuid:item_id>": "/books", "/tags/<uuid:item_id>": "/tags"}
IDIOM = "/idiom/books/<uuid:item_id>"


def path_to(api: Api, rule: str) -> str:
    """A path of the rule that exists."""
    if listed := {**PRESENT, IDIOM: "/idiom/books"}.get(rule):
        first = api.get(listed, params={"page_size": 1}).json()["items"][0]
        return f"{listed}/{first['id']}"
    return rule.replace("<path:filename>", "catalog.css")


def test_these_are_all_routes(library: Api) -> None:
    found: dict[str, set[str]] = {}
    for rule in library.app.url_map.iter_rules():
        found.setdefault(rule.rule, set()).update(rule.methods or ())
    assert found == ROUTES
    assert library.get("/").status_code == 200


@pytest.mark.parametrize("rule", ROUTES)
def test_get_and_head_say_the_same(library: Api, rule: str) -> None:
    path = path_to(library, rule)
    if "GET" not in ROUTES[rule]:
        assert library.get(path).status_code == 405
        return
    whole, head = library.get(path), library("HEAD", path)
    assert whole.status_code == head.status_code == 200
    assert whole.content
    assert head.content == b""
    for name in ("content-type", "content-length", "etag", "content-security-policy", "vary"):
        assert whole.headers.get(name) == head.headers.get(name)


@pytest.mark.parametrize("rule", ROUTES)
def test_methods(library: Api, rule: str) -> None:
    path = path_to(library, rule)
    options = library("OPTIONS", path)
    assert options.status_code == 200
    assert options.content == b""
    assert set(options.headers["allow"].split(", ")) == ROUTES[rule]
    for method in METHODS:
        if method in ROUTES[rule]:
            continue
        response = library(method, path)
        assert response.status_code == 405
        assert set(response.headers["allow"].split(", ")) == ROUTES[rule]
        if method == "HEAD":
            assert response.content == b""
        elif rule == "/" or rule.startswith("/pages/"):
            assert NOT_ALLOWED in response.text
        else:
            problem(response, 405, NOT_ALLOWED)


@pytest.mark.parametrize("path", PRESENT.values())
def test_one_record(library: Api, path: str) -> None:
    for listed in library.get(path, params={"page_size": 3}).json()["items"]:
        response = library.get(f"{path}/{listed['id']}")
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/json"
        assert response.json() == listed
        assert library.get(f"{path}/{listed['id'].upper()}").json() == listed


@pytest.mark.parametrize("query", ["", "search=e&order_by=-published&page=2&page_size=7", "tag=poetry", "page=999"])
def test_the_documented_idiom_has_the_same_answers(library: Api, query: str) -> None:
    page = library.get(f"/books?{query}")
    assert library.get(f"/idiom/books?{query}").content == page.content
    for book in page.json()["items"]:
        assert library.get(f"/idiom/books/{book['id']}").content == library.get(f"/books/{book['id']}").content


@pytest.mark.parametrize("path", PRESENT.values())
@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_an_unknown_record(library: Api, path: str, method: str) -> None:
    response = library(method, f"{path}/{UNKNOWN}", **({"json": {}} if method == "PATCH" else {}))
    problem(response, 404, "There is no such record.")


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/authors/",
        "/authors/1",
        f"/authors/{UUID(UNKNOWN).hex}",
        f"/authors/{UNKNOWN}/books",
        f"/authors/{UNKNOWN}%00",
        "/books/new",
        "/activity/",
        f"/activity/{UNKNOWN}",
        "/AUTHORS",
        "/authors%2F",
        "/reports",
        "/static/",
        "/static/nothing.css",
        "/static/../models.py",
        "/static/%2e%2e/models.py",
        "/static/..%2fmodels.py",
        "/static/%00",
        "/%ff",
        "/ü",
    ],
)
def test_an_unknown_path(library: Api, path: str) -> None:
    problem(library.get(path), 404, NOT_FOUND)


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html", True),
        ("*/*", False),
        ("application/json", False),
        ("application/problem+json", False),
        ("text/html;q=0.5,application/json", False),
        ("image/png", False),
        ("nonsense;;;", False),
    ],
)
def test_a_browser_gets_a_page_and_everybody_else_a_problem(library: Api, accept: str, page: bool) -> None:
    response = library.get(f"/authors/{UNKNOWN}", headers={"Accept": accept})
    if not page:
        problem(response, 404, "There is no such record.")
        return
    assert response.status_code == 404
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Not Found</h1>" in response.text
    assert "There is no such record." in response.text


def test_static_files_are_sent_once(library: Api) -> None:
    first = library.get("/static/catalog.css")
    assert first.headers["content-type"] == "text/css; charset=utf-8"
    assert first.content
    again = library.get("/static/catalog.css", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    part = library.get("/static/catalog.css", headers={"Range": "bytes=0-9"})
    assert part.status_code == 206
    assert part.content == first.content[:10]
