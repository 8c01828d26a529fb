"""Views that exist for the tests alone: each adds a row to both databases and ends in one of the ways a view can end."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Response, abort, redirect, request
from flask.typing import ResponseReturnValue

from app_async.config import alchemy as async_alchemy
from app_sync.config import alchemy as sync_alchemy
from catalog.models import ACTIVITY_BIND, Activity, Author, Book
from flask_oneloop import AsyncFlask

NOBODY = UUID("00000000-0000-7000-8000-000000000000")
EXISTING = "Leo Tolstoy"


def register(app: Flask) -> None:
    """Put the views on the app."""
    trials = Blueprint("trials", __name__, url_prefix="/trials")
    trials.add_url_rule("/<way>", "attempt", attempt_async if isinstance(app, AsyncFlask) else attempt_sync, methods=["POST"])
    trials.after_request(_fail_after)
    app.register_blueprint(trials)


async def attempt_async(way: str) -> ResponseReturnValue:
    session, log = async_alchemy().get_session(), async_alchemy().get_session(ACTIVITY_BIND)
    _write(session, log)
    if "flush" in request.args:
        await session.flush()
        await log.flush()
    if "commit" in request.args:
        await session.commit()
        await log.commit()
    if "rollback" in request.args:
        await session.rollback()
        await log.rollback()
    return _end(way, session, log)


def attempt_sync(way: str) -> ResponseReturnValue:
    session, log = sync_alchemy().get_session(), sync_alchemy().get_session(ACTIVITY_BIND)
    _write(session, log)
    if "flush" in request.args:
        session.flush()
        log.flush()
    if "commit" in request.args:
        session.commit()
        log.commit()
    if "rollback" in request.args:
        session.rollback()
        log.rollback()
    return _end(way, session, log)


def _write(session: Any, log: Any) -> None:
    name = request.args["name"]
    session.add(Author(name=name))
    log.add(Activity(action="tried", kind="trial", detail=name))


def _end(way: str, session: Any, log: Any) -> ResponseReturnValue:
    if way.isdigit():
        status = int(way)
        return redirect("/", status) if 300 <= status < 400 else ("", status)
    if way == "abort":
        abort(409)
    if way == "raise":
        raise RuntimeError("secret words of a bug: SELECT 1")
    if way == "stream":
        return Response(iter(["a", "b"]))
    if way == "unknown-author":  # refused by the COMMIT
        session.add(Book(title="Nobody's", author_id=NOBODY))
    if way == "duplicate":  # refused by the flush before it
        session.add(Author(name=EXISTING))
    if way == "broken-log":  # refused by the other database
        log.add(Activity(action="tried", kind=None))
    return "done"


def _fail_after(response: Response) -> Response:
    if request.path.endswith("/fail-after"):
        raise RuntimeError("secret words of a bug: SELECT 2")
    return response
