from io import BytesIO
from typing import Any

import pytest
from advanced_alchemy.exceptions import ImproperConfigurationError, IntegrityError, NotFoundError
from flask import Flask, abort, request
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, TooManyRequests
from werkzeug.wrappers import Response

from catalog import problems
from catalog.bodies import read_body
from catalog.paths import STATIC, TEMPLATES
from catalog.problems import BadParameter, InvalidBody, Problem
from catalog.schemas import AuthorCreate

SECRET = "SELECT password FROM user"


class DriverError(Exception):
    """What a driver raises; its text must never reach a client."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__(SECRET)
        self.sqlstate = sqlstate


def wrapped(cause: Exception) -> IntegrityError:
    """An error as Advanced Alchemy raises it."""
    error = IntegrityError(detail=SECRET)
    error.__cause__ = cause
    return error


def failing(sqlstate: str | None) -> ProgrammingError:
    return ProgrammingError(SECRET, {}, DriverError(sqlstate))


RAISED: dict[str, tuple[BaseException, int, dict[str, Any]]] = {
    "not-found": (NotFoundError("No item found"), 404, {"detail": "There is no such record."}),
    "parameter": (
        BadParameter("page", "must be 1"),
        400,
        {"detail": "The parameter 'page' must be 1.", "parameter": "page"},
    ),
    "body": (
        InvalidBody("name", "is required"),
        422,
        {"detail": "name is required.", "errors": [{"field": "name", "message": "is required"}]},
    ),
    "whole-body": (
        InvalidBody("", "Expected `object`, got `array`"),
        422,
        {"detail": "Expected `object`, got `array`.", "errors": [{"field": "", "message": "Expected `object`, got `array`"}]},
    ),
    "duplicate": (failing("23505"), 409, {"detail": "There already is such a record."}),
    "wrapped": (wrapped(failing("23503")), 409, {"detail": "A record that this one refers to does not exist."}),
    "rule": (failing("23514"), 422, {}),
    "stale": (StaleDataError(SECRET), 409, {}),
    "schema": (
        wrapped(failing("42P01")),
        503,
        {"detail": "The database has no tables, or old ones: run `flask database upgrade`."},
    ),
    "busy": (wrapped(PoolTimeoutError(SECRET)), 503, {"detail": "The database is busy."}),
    "serialization": (failing("40001"), 503, {"detail": "The database is busy."}),
    "lost": (OperationalError(SECRET, {}, DriverError("08006")), 503, {"detail": "The database cannot be reached."}),
    "refused": (ConnectionRefusedError(SECRET), 503, {"detail": "The database cannot be reached."}),
    "mistake": (wrapped(failing("42601")), 500, {}),
    "configuration": (ImproperConfigurationError(SECRET), 500, {}),
    "file": (FileNotFoundError(SECRET), 500, {}),
    "bug": (ZeroDivisionError(SECRET), 500, {}),
}


@pytest.fixture
def app() -> Flask:
    app = Flask("catalog", static_folder=STATIC, template_folder=TEMPLATES)
    app.config.update(MAX_CONTENT_LENGTH=1000, SECRET_KEY="x")
    problems.register(app)
    app.add_url_rule("/", "pages.index")
    app.add_url_rule("/new/book", "pages.new_book")
    app.add_url_rule("/new/author", "pages.new_author")

    @app.get("/raise/<name>")
    def fail(name: str) -> str:
        raise RAISED[name][0]

    @app.delete("/reference")
    def refer() -> str:
        raise failing("23503")

    @app.get("/abort/<int:status>")
    def stop(status: int) -> str:
        abort(status)

    @app.get("/retry")
    def retry() -> str:
        raise TooManyRequests(retry_after=7)

    @app.get("/finished")
    def finished() -> str:
        abort(Response("as it is", 418))

    @app.post("/body")
    def body() -> dict[str, str]:
        return {"name": read_body(AuthorCreate).name}

    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize("name", RAISED)
def test_an_error_is_a_problem_that_gives_nothing_away(client: FlaskClient, name: str) -> None:
    _, status, members = RAISED[name]
    response = client.get(f"/raise/{name}")
    problem = response.get_json()
    assert response.status_code == problem["status"] == status
    assert response.content_type == "application/problem+json"
    assert problem["type"] == "about:blank"
    assert response.status.upper() == f"{status} {problem['title'].upper()}"
    assert members.items() <= problem.items()
    assert set(problem) - {"errors", "parameter"} == {"type", "title", "status", "detail"}
    assert SECRET not in response.text
    assert ("Retry-After" in response.headers) == (status == 503)


def test_deleting_what_others_refer_to_says_so(client: FlaskClient) -> None:
    response = client.delete("/reference")
    assert response.status_code == 409
    assert response.get_json()["detail"] == "Other records still refer to this one."


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 409, 410, 413, 414, 415, 418, 429, 500, 501, 503])
def test_every_http_error_is_a_problem(client: FlaskClient, status: int) -> None:
    response = client.get(f"/abort/{status}")
    assert (response.status_code, response.content_type) == (status, "application/problem+json")
    assert response.get_json()["status"] == status


def test_headers_of_an_error_are_kept(client: FlaskClient) -> None:
    refused = client.put("/body")
    assert refused.status_code == 405
    assert set(refused.allow) == {"POST", "OPTIONS"}
    assert client.get("/retry").headers["Retry-After"] == "7"


def test_an_answer_that_is_raised_is_left_alone(client: FlaskClient) -> None:
    response = client.get("/finished")
    assert (response.status_code, response.text) == (418, "as it is")


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        ("application/problem+json", False),
        ("text/html", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html;q=0.5,application/json", False),
        ("image/png", False),
    ],
)
def test_browsers_get_a_page(client: FlaskClient, accept: str | None, page: bool) -> None:
    response = client.get("/raise/bug", headers={"Accept": accept} if accept else {})
    assert response.status_code == 500
    assert response.mimetype == ("text/html" if page else "application/problem+json")
    assert ("<h1>Internal Server Error</h1>" in response.text) == page
    assert SECRET not in response.text


def test_a_page_escapes_what_it_quotes(client: FlaskClient, app: Flask) -> None:
    @app.get("/quote")
    def quote() -> str:
        raise BadParameter(request.args["name"], "is unknown")

    response = client.get("/quote?name=<script>", headers={"Accept": "text/html"})
    assert response.status_code == 400
    assert "<script" not in response.text
    assert "&lt;script&gt;" in response.text


@pytest.mark.parametrize("name", ["bug", "mistake"])
def test_a_bug_is_left_to_the_debugger_in_debug_mode(app: Flask, name: str) -> None:
    app.debug = True
    with pytest.raises(type(RAISED[name][0])):
        app.test_client().get(f"/raise/{name}")
    assert app.test_client().get("/raise/duplicate").status_code == 409


def test_an_unreachable_database_is_one_line_in_the_log(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    client.get("/raise/lost")
    [record] = caplog.records
    assert record.getMessage() == f"/raise/lost The database cannot be reached. ({SECRET})"
    assert record.exc_info is None


def test_a_bug_is_in_the_log_with_its_traceback(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    client.get("/raise/bug")
    [record] = caplog.records
    assert record.exc_info is not None


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b'{"name": "Ann"}', "application/json", 200),
        (b'{"name": "Ann"}', "application/json; charset=utf-8", 200),
        (b'{"name": "Ann"}', "application/merge-patch+json", 200),
        (b'{"name": "Ann"}', "text/plain", 415),
        (b'{"name": "Ann"}', "application/x-www-form-urlencoded", 415),
        (b'{"name": "Ann"}', None, 415),
        (b"", None, 415),
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"{'name': 'Ann'}", "application/json", 400),
        (b'{"name": "Ann"} {}', "application/json", 400),
        (b'{"name": "\xff"}', "application/json", 400),
        (b'\xef\xbb\xbf{"name": "Ann"}', "application/json", 400),
        (b'{"name": "\\ud800"}', "application/json", 400),
        (b"[" * 900, "application/json", 422),
        (b"null", "application/json", 422),
        (b'{"name": NaN}', "application/json", 400),
        (b"[]", "application/json", 422),
        (b'{"name": "' + b"n" * 1000 + b'"}', "application/json", 413),
    ],
)
def test_bodies_are_json_of_a_bounded_size(client: FlaskClient, body: bytes, media_type: str | None, status: int) -> None:
    response = client.post("/body", data=body, content_type=media_type)
    assert response.status_code == status
    assert response.mimetype == ("application/json" if status == 200 else "application/problem+json")


@pytest.mark.parametrize("length", [999, 1000, 1001, 5000])
def test_a_body_of_unknown_length_is_bounded_too(client: FlaskClient, length: int) -> None:
    body = b'{"name": "Ann"}'.ljust(length)
    response = client.post(
        "/body",
        input_stream=BytesIO(body),
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert response.status_code == (200 if length < 1000 else 413)


def test_problems_are_http_errors_of_their_own() -> None:
    problem = Problem(409, "No.", hint=1)
    assert isinstance(problem, HTTPException)
    assert (problem.code, problem.description, problem.members) == (409, "No.", {"hint": 1})
