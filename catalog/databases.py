"""From one database URL to the right driver for each app, and SQLite set up to be used by many requests at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine

Driver = Literal["async", "sync"]

# The first is the default; psycopg has both kinds.
DRIVERS: dict[tuple[str, Driver], tuple[str, ...]] = {
    ("postgresql", "async"): ("asyncpg", "psycopg"),
    ("postgresql", "sync"): ("psycopg",),
    ("sqlite", "async"): ("aiosqlite",),
    ("sqlite", "sync"): ("pysqlite",),
}
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
UNPREPARED: dict[str, dict[str, Any]] = {
    "asyncpg": {"statement_cache_size": 0, "prepared_statement_cache_size": 0},
    "psycopg": {"prepare_threshold": None},
}
"""By driver: how it is told to keep no prepared statements."""
BUSY_TIMEOUT_MS = 30_000


@dataclass(frozen=True)
class Database:
    """Where a database is and how to connect to it."""

    url: URL
    connect_args: Mapping[str, Any] = field(default_factory=dict)

    def unprepared(self) -> "Database":
        """The same for a pooler that pools by transaction: no prepared statement is kept for the next one."""
        return replace(self, connect_args={**self.connect_args, **UNPREPARED.get(self.url.get_driver_name(), {})})


def parse_database(text: str, driver: Driver) -> Database:
    """Return the database that `text` names, for an app whose drivers are of the kind `driver`.

    Raises:
        ValueError: It is not a URL of PostgreSQL or SQLite, names a driver of the other kind, or has an option that not
            every driver understands.
    """
    if text != text.strip():
        raise ValueError("begins or ends with white space, such as the newline of a file that it was read from")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("is not a URL such as postgresql://user:password@host/name or sqlite:///file") from None
    backend, _, named = url.drivername.partition("+")
    backend = "postgresql" if backend == "postgres" else backend
    allowed = DRIVERS.get((backend, driver))
    if allowed is None:
        raise ValueError(f"{backend!r} is not supported; use postgresql://... or sqlite:///...")
    if named and named not in allowed:
        raise ValueError(f"the driver {named!r} does not fit here ({driver}): leave it out, or use {' or '.join(allowed)}")
    url = url.set(drivername=f"{backend}+{named or allowed[0]}")
    return _sqlite(url) if backend == "sqlite" else _postgresql(url)


def _sqlite(url: URL) -> Database:
    if not url.database or url.database == ":memory:":
        raise ValueError("SQLite needs a file: in memory, every connection would have a database of its own")
    if url.host or url.query or url.database.startswith("file:"):
        raise ValueError("a SQLite URL is sqlite:///relative/file or sqlite:////absolute/file, without host or options")
    return Database(url.set(database=str(Path(url.database).resolve())))


def _postgresql(url: URL) -> Database:
    options: dict[str, Callable[[str], Any]] = {
        "sslmode": _choice(SSL_MODES),
        "connect_timeout": _seconds,
        "application_name": str,
        "host": str,
    }
    given: dict[str, Any] = {}
    for name, value in url.query.items():
        if name not in options or not isinstance(value, str):
            raise ValueError(f"the option {name!r} is not supported; allowed once each are {', '.join(options)}")
        try:
            given[name] = options[name](value)
        except ValueError as error:
            raise ValueError(f"the option {name!r} must be {error}") from None
    if not url.drivername.endswith("+asyncpg"):
        return Database(url)
    connect_args: dict[str, Any] = {}
    if "sslmode" in given:
        connect_args["ssl"] = given["sslmode"]
    if "connect_timeout" in given:
        connect_args["timeout"] = given["connect_timeout"]
    if "application_name" in given:
        connect_args["server_settings"] = {"application_name": given["application_name"]}
    return Database(url.difference_update_query(set(given) - {"host"}), connect_args)


def _choice(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return text

    return read


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise ValueError("a whole number of seconds")
    return int(text)


def prepare(engine: Engine | AsyncEngine) -> None:
    """Set up SQLite: foreign keys are checked, writers wait for each other.

    Readers and a writer do not block each other (write-ahead log); a commit is safe from a crash of the process.
    """
    if engine.dialect.name == "sqlite":
        target = engine.sync_engine if isinstance(engine, AsyncEngine) else engine
        event.listen(target, "connect", _set_pragmas)


def _set_pragmas(connection: DBAPIConnection, _record: object) -> None:
    try:
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
    except BaseException:
        connection.close()  # the pool forgets it, and an aiosqlite connection is a thread
        raise
