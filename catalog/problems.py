"""Errors as problems (RFC 9457): what a client is told when a request cannot be answered.

`register` gives an app the handlers. `describe` says what a database error means; nothing of its text, no SQL and no
driver's words, reaches a client: that goes to the log.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
from advanced_alchemy.exceptions import AdvancedAlchemyError, NotFoundError
from flask import Flask, current_app, render_template, request, session
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from catalog import faults

MEDIA_TYPE = "application/problem+json"
SERVICE_UNAVAILABLE = 503
RETRY_AFTER_SECONDS = "2"


class Problem(HTTPException):
    """An HTTP error with members of its own, such as `errors` or `parameter`."""

    def __init__(self, status: int, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.code = status
        self.members: Mapping[str, Any] = members

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """Ask to come back later where that may help."""
        headers = super().get_headers(*args, **kwargs)
        return [*headers, ("Retry-After", RETRY_AFTER_SECONDS)] if self.code == SERVICE_UNAVAILABLE else headers


class BadParameter(Problem):
    """A query parameter that cannot be understood: 400."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(400, f"The parameter {name!r} {message}.", parameter=name)


class InvalidBody(Problem):
    """A body that is well-formed but breaks a rule: 422 and the field that does."""

    def __init__(self, field: str, message: str) -> None:
        detail = f"{field}{': ' if message[0].isupper() else ' '}{message}." if field else f"{message}."
        super().__init__(422, detail, errors=[{"field": field, "message": message}])


def describe(error: BaseException) -> Problem | None:
    """Return the problem that an error of the database or of Advanced Alchemy is to a client, None for a bug of ours."""
    # Advanced Alchemy 1.12 wraps every failing statement, even a lost connection, as its IntegrityError: ask the cause.
    cause = error.__cause__
    if isinstance(error, AdvancedAlchemyError) and isinstance(cause, (SQLAlchemyError, OSError)):
        return describe(cause)
    if isinstance(error, NotFoundError):
        return Problem(404, "There is no such record.")
    fault = faults.classify(error)
    if fault is None:
        return None
    if fault.kind == "duplicate":
        what = f"a record with this {' and '.join(fault.fields)}" if fault.fields else "such a record"
        return Problem(
            409,
            f"There already is {what}.",
            errors=[{"field": field, "message": "is already taken"} for field in fault.fields],
        )
    if fault.kind == "reference":
        deleting = request and request.method == "DELETE"
        return Problem(
            409,
            "Other records still refer to this one." if deleting else "A record that this one refers to does not exist.",
        )
    if fault.kind == "rule":
        return InvalidBody(*RULES[fault.constraint]) if fault.constraint in RULES else InvalidBody("", "The values break a rule")
    return Problem(*UNAVAILABLE[fault.kind])


RULES = {"ck_author_lifetime": ("died", "must not be before born")}
UNAVAILABLE = {
    "stale": (409, "The record was changed or deleted by another request at the same time."),
    "schema": (503, "The database has no tables, or old ones: run `flask database upgrade`."),
    "busy": (503, "The database is busy."),
    "unreachable": (503, "The database cannot be reached."),
}


def register(app: Flask) -> None:
    """Answer every error of `app` with a problem, or with a page where a browser asks for one."""
    app.register_error_handler(HTTPException, respond)
    for error in (SQLAlchemyError, AdvancedAlchemyError, OSError, *_driver_errors()):
        app.register_error_handler(error, _respond_to_fault)


def _driver_errors() -> tuple[type[Exception], ...]:
    """Errors that asyncpg raises while connecting, which SQLAlchemy passes on as they are."""
    with suppress(ImportError):
        import asyncpg

        return (asyncpg.PostgresError, asyncpg.InterfaceError)
    return ()


def _respond_to_fault(error: Exception) -> Response:
    problem = describe(error)
    if problem is None:
        raise error
    if problem.code == SERVICE_UNAVAILABLE:
        current_app.logger.error("%s %s (%s)", request.path, problem.description, faults.reason(error))
    if request.blueprint == "pages":
        session.pop("_flashes", None)  # what was announced has not happened
    return respond(problem)


def respond(error: HTTPException) -> Response:
    """Return `error` as a problem, with the headers it carries (`Allow`, `Retry-After`, ...)."""
    response = error.get_response(request.environ)
    if error.response is not None:
        return response
    if wants_page():
        response.data = render_template("error.html", title=error.name, detail=error.description)
        return response
    response.data = encode(error)
    response.content_type = MEDIA_TYPE
    return response


def encode(error: HTTPException) -> bytes:
    """Return `error` as a problem in JSON."""
    members = error.members if isinstance(error, Problem) else {}
    about = {"type": "about:blank", "title": error.name, "status": error.code, "detail": error.description}
    return msgspec.json.encode({**about, **members})


def wants_page() -> bool:
    """Return whether the client is a browser that shows pages."""
    if request.blueprint == "pages":
        return True
    offered = (MEDIA_TYPE, "application/json", "text/html")
    return request.accept_mimetypes.best_match(offered, MEDIA_TYPE) == "text/html"
