"""The sync app."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app_sync import create_app
from app_sync.config import alchemy
from benchmarks.subjects.apps import UPSTREAM, equip, freeze, number
from benchmarks.subjects.contenders import CONNECTIONS, THREADS

if TYPE_CHECKING:
    import httpx

MOST_THREADS = 5 * CONNECTIONS


def create(config: Mapping[str, Any] | None = None) -> Flask:
    """The app, set up by `CATALOG_*` variables and `config`."""
    app = create_app(config)
    return equip(app, VIEWS, app.portal.stop)


def create_a2wsgi(config: Mapping[str, Any] | None = None) -> Any:
    """The same for ASGI servers: a2wsgi calls it in as many threads as the baseline has."""
    from a2wsgi import WSGIMiddleware

    return WSGIMiddleware(create(config), workers=THREADS)  # type: ignore[arg-type]  # its types are no supertypes of Flask's


def create_frozen() -> Flask:
    """The same, of which the collector goes through nothing that is there from the start."""
    return freeze(create())


def noop() -> str:
    """Do nothing."""
    return ""


def slow() -> dict[str, Any]:
    """Wait in the database for `ms` milliseconds (PostgreSQL)."""
    milliseconds = number("ms")
    _sleep(alchemy().get_session(read_only=True), milliseconds)
    return {"waited": milliseconds}


def fan_out_slow() -> dict[str, Any]:
    """Wait in so many `queries` at once, on sessions and in threads of their own."""
    milliseconds, database = number("ms"), alchemy()

    def query(_: int) -> None:
        with database.new_session(read_only=True) as session:
            _sleep(session, milliseconds)

    return {"answered": len(list(pool().map(query, range(number("queries")))))}


def _sleep(session: Session, milliseconds: int) -> None:
    session.execute(select(func.pg_sleep(milliseconds / 1000)))


@cache
def pool() -> ThreadPoolExecutor:
    """The process's threads for what is to be done at once; there are as many as were ever needed."""
    return ThreadPoolExecutor(MOST_THREADS)


def upstream() -> dict[str, Any]:
    """Make so many `calls` of another service, all at once; a single one in this thread."""
    client, calls = _client(current_app.config[UPSTREAM]), number("calls")
    answers = [client.get("/")] if calls == 1 else pool().map(lambda _: client.get("/"), range(calls))
    return {"answered": sum(answer.is_success for answer in answers)}


@cache
def _client(url: str) -> "httpx.Client":
    """The process's, with as many connections as are needed."""
    import httpx

    return httpx.Client(base_url=url, limits=httpx.Limits(max_connections=None, max_keepalive_connections=None))


def wait() -> dict[str, Any]:
    """Wait for `ms` milliseconds."""
    time.sleep(number("ms") / 1000)
    return {"waited": number("ms")}


def block() -> dict[str, Any]:
    """The same: here what blocks and what waits is one."""
    return wait()


def block_in_thread() -> dict[str, Any]:
    """The same: a thread it has already."""
    return wait()


VIEWS = (noop, slow, fan_out_slow, upstream, wait, block, block_in_thread)
