"""What the catalogue on other frameworks shares: databases, and errors as the Flask apps answer them.

Statements, services and schemas are the Flask app's own. Sessions are made here, as the runtime's belong to Flask: for reading in
AUTOCOMMIT on PostgreSQL, as there, for writing with commits by the services, as Advanced Alchemy documents them (`auto_commit`).
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, NamedTuple, TypeVar

from advanced_alchemy.exceptions import AdvancedAlchemyError
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from werkzeug.exceptions import HTTPException, InternalServerError, RequestEntityTooLarge, default_exceptions
from werkzeug.http import parse_options_header

from app_async.config import database_configs
from app_async.driver import DRIVER
from app_async.services import ActivityService, BookService
from catalog import limits
from catalog.bodies import NotJSON, decode
from catalog.models import ACTIVITY_BIND, DEFAULT_BIND
from catalog.problems import MEDIA_TYPE, describe
from catalog.problems import encode as encode_problem
from catalog.settings import load_settings
from flask_oneloop.reading import ReadSession
from flask_oneloop.upstream import end_refused_transactions

ERRORS = (AdvancedAlchemyError, SQLAlchemyError, OSError, HTTPException)
"""What `problem` is asked of, beside a framework's own errors."""
T = TypeVar("T")


class Writing(NamedTuple):
    """What a view that writes needs."""

    books: BookService
    log: ActivityService


class PeerDatabases:
    """Both databases of a peer, set up by `CATALOG_*` variables and `config` as the Flask apps are."""

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        settings = Flask("peer")
        settings.config.from_prefixed_env("CATALOG")
        settings.config.from_mapping(config)
        self._engines: list[AsyncEngine] = []
        self._makers: dict[tuple[str, bool], async_sessionmaker[AsyncSession]] = {}
        for one in database_configs(load_settings(settings, DRIVER)):
            engine, bind = one.get_engine(), one.bind_key or DEFAULT_BIND
            end_refused_transactions(engine)
            level = "AUTOCOMMIT" if engine.dialect.name == "postgresql" else None
            reading = engine.execution_options(isolation_level=level) if level else engine
            self._engines.append(engine)
            self._makers[bind, False] = async_sessionmaker(engine, expire_on_commit=False)
            self._makers[bind, True] = async_sessionmaker(reading, class_=ReadSession, expire_on_commit=False)

    def new_session(self, bind: str = DEFAULT_BIND, *, read_only: bool = False) -> AsyncSession:
        """A session, for `async with`."""
        return self._makers[bind, read_only]()

    async def reading(self) -> AsyncGenerator[BookService, None]:
        """Books, to be read."""
        async with self.new_session(read_only=True) as session:
            yield BookService(session)

    async def writing(self) -> AsyncGenerator[Writing, None]:
        """Books, and the log of writes, which commit what they write."""
        async with self.new_session() as session, self.new_session(ACTIVITY_BIND) as activity:
            yield Writing(BookService(session, auto_commit=True, auto_refresh=False), ActivityService(activity, auto_commit=True))

    async def wait(self, milliseconds: int) -> dict[str, int]:
        """Wait in the database (PostgreSQL)."""
        async with self.new_session(read_only=True) as session:
            await session.execute(select(func.pg_sleep(milliseconds / 1000)))
        return {"waited": milliseconds}

    async def close(self) -> None:
        """Close all connections."""
        for engine in self._engines:
            await engine.dispose()


def body(schema: type[T], content_type: str | None, data: bytes) -> T:
    """Read a body by its schema. Raises what the Flask apps answer where it is not as it should be."""
    mimetype = parse_options_header(content_type)[0].lower()
    if mimetype != "application/json" and not (mimetype.startswith("application/") and mimetype.endswith("+json")):
        raise NotJSON
    if len(data) > limits.BODY_BYTES:  # FastAPI's own limit answers with plain text
        raise RequestEntityTooLarge
    return decode(schema, data)


def problem(error: Exception) -> tuple[bytes, int, dict[str, str]]:
    """An error as the Flask apps answer it: body, status and headers. A framework's own HTTP errors have a `status_code`."""
    status = getattr(error, "status_code", None)
    found: HTTPException
    if isinstance(error, HTTPException):
        found = error
    elif status in default_exceptions:
        found = default_exceptions[status]()
    else:
        found = describe(error) or InternalServerError()
    headers = {**dict(found.get_headers()), **(getattr(error, "headers", None) or {}), "Content-Type": MEDIA_TYPE}
    return encode_problem(found), found.code or 500, headers
