"""The pages, clicked through without JavaScript."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app_async import create_app

from .conftest import Migrated

MODES = ["manual", "autocommit", "autocommit_include_redirect"]
EVIL = "<script>alert('x')</script>"


class Form(HTMLParser):
    """What a browser sees of a form: the values of its fields, and what stands beside them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.attributes: dict[str, dict[str, str | None]] = {}
        self.feed(html)
        self.errors = dict(re.findall(r'<p class="error" id="(\w+)-error">(.*?)</p>', html))
        self.alerts = re.findall(r'<p class="error" role="alert">(.*?)</p>', html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        name = attributes.get("name")
        if tag in {"input", "textarea"} and name:
            self.attributes[name] = attributes
            self.values[name] = attributes.get("value") or ""


every_mode = pytest.mark.parametrize("app", MODES, indirect=True)


@pytest.fixture
def app(request: pytest.FixtureRequest, migrated: Migrated) -> Iterator[Flask]:
    """The app in its default commit mode, or in the one that a test is run with."""
    url, log = migrated("sqlite")
    mode = getattr(request, "param", "autocommit_include_redirect")
    app = create_app({"DATABASE_URL": url, "ACTIVITY_DATABASE_URL": log, "SECRET_KEY": "x", "COMMIT_MODE": mode})
    yield app
    app.portal.call(app.portal.close)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def send(client: FlaskClient, path: str, **values: str) -> Any:
    """Open a form, fill it in, send it."""
    opened = client.get(path)
    assert opened.status_code == 200
    return client.post(path, data={**Form(opened.text).values, **values})


def add_author(client: FlaskClient, name: str = "Ann Author") -> None:
    assert send(client, "/pages/authors/new", name=name).status_code == 303


@every_mode
def test_an_author_and_a_book_can_be_added_and_found(client: FlaskClient) -> None:
    added = send(client, "/pages/authors/new", name=" Émile Zola ", born="1840", died="1902", country="FR")
    assert added.status_code == 303
    following = client.get(added.location)
    assert "“Émile Zola” was added." in following.text
    assert Form(following.text).values["author"] == "Émile Zola"
    assert '<option value="Émile Zola">' in following.text

    added = send(client, "/pages/books/new", title="Nana", author="Émile Zola", published="1880", tags="novel, , Paris,novel")
    assert added.status_code == 303
    following = client.get(added.location)
    assert "“Nana” was added." in following.text
    assert "<h2>Nana</h2>" in following.text
    assert "Émile Zola, 1880" in following.text
    assert "was added" not in client.get(added.location).text

    [book] = client.get("/books").get_json()["items"]
    assert (book["title"], book["author"]["name"], book["pages"]) == ("Nana", "Émile Zola", None)
    assert [tag["name"] for tag in book["tags"]] == ["novel", "Paris"]
    actions = [(row["action"], row["kind"]) for row in client.get("/activity").get_json()["items"]]
    assert actions == [("created", "book"), ("created", "author")]


@pytest.mark.parametrize(
    "query", ["", "search=", "search=&order_by=title", "search=nana&order_by=-published&page=1", "tag=Novel"]
)
def test_the_catalogue_is_searched_as_the_search_form_sends_it(client: FlaskClient, query: str) -> None:
    add_author(client)
    send(client, "/pages/books/new", title="Nana", author="Ann Author", tags="novel")
    page = client.get(f"/?{query}")
    assert page.status_code == 200
    assert page.text.count("<h2>") == 1


def test_the_catalogue_has_pages(client: FlaskClient) -> None:
    author = client.post("/authors", json={"name": "Ann"}).get_json()["id"]
    books = [{"title": f"Book {number:02}", "author_id": author} for number in range(45)]
    assert client.post("/books/bulk", json=books).status_code == 201
    path, shown = "/?search=book", []
    for _ in range(5):
        page = client.get(path).text
        shown += re.findall("<h2>(.*?)</h2>", page)
        following = re.search(r'<a href="([^"]*)">Next</a>', page)
        if following is None:
            break
        path = following[1].replace("&amp;", "&")
    assert shown == [book["title"] for book in books]
    assert "45 books" in page
    assert "Page 3 of 3" in page


@pytest.mark.parametrize(
    ("values", "field", "error"),
    [
        ({}, "name", "Fill in this field."),
        ({"name": "  "}, "name", "Fill in this field."),
        ({"name": "n" * 201}, "name", "Field cannot be longer than 200 characters."),
        ({"name": "a\0b"}, "name", "Name must not contain the character U+0000."),
        ({"name": "Bob", "born": "x"}, "born", "Not a valid integer value."),
        ({"name": "Bob", "born": "-3001"}, "born", "Number must be between -3000 and 2100."),
        ({"name": "Bob", "born": "1900", "died": "1899"}, "died", "Died must not be before `born`."),
        ({"name": "Bob", "country": "fr"}, "country", "Write a country code of two capital letters (ISO 3166) such as FR."),
        ({"name": "Ann Author"}, "name", "Name is already taken."),
    ],
)
def test_what_is_wrong_with_an_author_stands_beside_the_field(
    client: FlaskClient, values: dict[str, str], field: str, error: str
) -> None:
    add_author(client)
    answer = send(client, "/pages/authors/new", **values)
    form = Form(answer.text)
    assert answer.status_code == 422
    assert form.errors == {field: error}
    assert form.attributes[field]["aria-invalid"] == "true"
    assert f"{field}-error" in (form.attributes[field]["aria-describedby"] or "")
    assert {name: form.values[name] for name in values} == {name: value.strip() for name, value in values.items()}
    assert client.get("/authors").get_json()["total"] == 1


@pytest.mark.parametrize(
    ("values", "field", "error"),
    [
        ({"author": "Ann Author"}, "title", "Fill in this field."),
        ({"title": "Two"}, "author", "Fill in this field."),
        ({"title": "Two", "author": "Nobody"}, "author", "There is no author of this name in the catalogue."),
        ({"title": "One", "author": "Ann Author"}, "title", "Title is already taken."),
        ({"title": "Two", "author": "Ann Author", "isbn": "9780000000002"}, "isbn", "ISBN is already taken."),
        ({"title": "Two", "author": "Ann Author", "isbn": "1"}, "isbn", "Write 13 digits without hyphens."),
        ({"title": "Two", "author": "Ann Author", "pages": "0"}, "pages", "Number must be between 1 and 50000."),
        (
            {"title": "Two", "author": "Ann Author", "tags": ",".join("abcdefghijklmnopqrstuvwxyz")},
            "tags",
            "At most 20 tags of 60 characters each.",
        ),
        ({"title": "Two", "author": "Ann Author", "tags": "a\0b"}, "tags", "Tags must not contain the character U+0000."),
    ],
)
def test_what_is_wrong_with_a_book_stands_beside_the_field(
    client: FlaskClient, values: dict[str, str], field: str, error: str
) -> None:
    add_author(client)
    send(client, "/pages/books/new", title="One", author="Ann Author", isbn="9780000000002")
    answer = send(client, "/pages/books/new", **values)
    form = Form(answer.text)
    assert (answer.status_code, form.errors) == (422, {field: error})
    assert {name: form.values[name] for name in values} == values
    assert '<option value="Ann Author">' in answer.text
    assert client.get("/books").get_json()["total"] == 1


@pytest.mark.parametrize("token", [None, "", "nonsense", "of another"])
@pytest.mark.parametrize("path", ["/pages/authors/new", "/pages/books/new"])
def test_a_form_from_elsewhere_is_refused(app: Flask, client: FlaskClient, token: str | None, path: str) -> None:
    add_author(client)
    if token == "of another":
        token = Form(app.test_client().get(path).text).values["csrf_token"]
    data = {"name": "Eve", "title": "Evil", "author": "Ann Author"}
    answer = client.post(path, data=data if token is None else {**data, "csrf_token": token})
    assert answer.status_code == 400
    assert Form(answer.text).alerts == ["This form is too old or came from elsewhere. Please send it again."]
    assert client.get("/authors").get_json()["total"] == 1
    assert client.get("/books").get_json()["total"] == 0


def test_what_is_written_is_never_markup(client: FlaskClient) -> None:
    send(client, "/pages/authors/new", name=EVIL, biography=EVIL)
    added = send(client, "/pages/books/new", title=EVIL, author=EVIL, summary=EVIL, tags=EVIL.replace(",", ""))
    pages = [client.get(added.location), client.get("/pages/books/new"), client.get(f'/?search="{EVIL}&tag={EVIL}')]
    pages += [send(client, "/pages/authors/new", name=EVIL), client.get("/", query_string={EVIL: EVIL})]
    assert [page.status_code for page in pages] == [200, 200, 200, 422, 400]
    for page in pages:
        assert "<script" not in page.text
        assert "&lt;script&gt;" in page.text
        assert (
            "script-src" in page.headers["Content-Security-Policy"]
            or "default-src 'self'" in page.headers["Content-Security-Policy"]
        )


@pytest.mark.parametrize("path", ["/?page=0", "/?after=", "/?colour=red", "/?order_by=price"])
def test_a_wrong_parameter_is_a_readable_page(client: FlaskClient, path: str) -> None:
    page = client.get(path)
    assert (page.status_code, page.mimetype) == (400, "text/html")
    assert "<h1>Bad Request</h1>" in page.text
    assert "The parameter &#39;" in page.text
