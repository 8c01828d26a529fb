"""What a run needs beside the servers: databases with the same data for every contender, a generator, cores."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import psycopg

from benchmarks.machinery.databases import SETTINGS, Databases, Kind
from benchmarks.machinery.placement import Placement, choose, placed
from benchmarks.machinery.postgres import PostgresError, PostgresServer, connect_or_start, external
from benchmarks.machinery.sampler import ConnectionCount
from benchmarks.machinery.supervised import temporary_folder
from benchmarks.subjects.contenders import Contender
from benchmarks.subjects.scenarios import UPSTREAM_MILLISECONDS
from benchmarks.under_load.driver import Generator, driver
from benchmarks.under_load.trivial import trivial_server

POSTGRESQL = {"max_connections": "2000"}
"""For all contenders of a round, each with a full pool on each of two binds or with no pool at all."""
OTHERS = 20
"""Connections for who counts and copies, and for the server's own administrators."""


def kind_of(database: str) -> Kind:
    """The databases under the apps; where a scenario needs none they have SQLite's."""
    return "postgresql" if database == "postgresql" else "sqlite"


@dataclass
class Stage:
    """Databases by kind, seeded with `books`; `server` is PostgreSQL's, if there is one."""

    books: int
    folder: Path
    databases: Mapping[Kind, Databases]
    server: PostgresServer | None
    placement: Placement
    generator: Generator
    upstream: str = ""
    """The URL of a service that answers after `UPSTREAM_MILLISECONDS`."""
    over: Event = field(default_factory=Event)
    """Set when the run ends early: who works in the background for it should stop."""
    _urls: dict[tuple[Kind, str], dict[str, str]] = field(default_factory=dict)

    def urls(self, database: str, contender: Contender) -> dict[str, str]:
        """The contender's own databases, by setting; made when they are first asked for."""
        where = (kind_of(database), contender.name)
        if where not in self._urls:
            self._urls[where] = self.databases[where[0]].copy(contender.name.replace("-", "_"))
        return self._urls[where]

    def settings(self, database: str, contender: Contender) -> dict[str, str]:
        """The settings of the contender's app."""
        common = {**{name: str(value) for name, value in SETTINGS.items()}, "UPSTREAM": self.upstream}
        return {**common, **contender.settings(self.urls(database, contender))}

    def database_pid(self, database: str) -> int | None:
        """Of the first process of a server that was started here and that the contenders use."""
        return self.server.pid if self.server and database == "postgresql" else None

    def require_database(self, database: str) -> None:
        """Raise `PostgresError` if the server that the contenders use is gone: that is no fault of theirs."""
        if self.server and database == "postgresql":
            with external(self.server.url):
                pass

    @contextmanager
    def connections(self, database: str, contender: Contender) -> Iterator[ConnectionCount | None]:
        """What counts the contender's connections to its databases."""
        if self.server is None or database != "postgresql":
            yield None
            return
        names = [url.rpartition("/")[2].partition("?")[0] for url in self.urls(database, contender).values()]
        with closing(psycopg.connect(self.server.url, autocommit=True)) as connection:

            def count() -> int:
                query = "SELECT count(*) FROM pg_stat_activity WHERE datname = ANY(%s)"
                try:
                    return int(connection.execute(query, [names]).fetchone()[0])  # type: ignore[index]
                except psycopg.OperationalError:  # it is gone: `require_database` says so
                    return 0

            yield count

    def facts(self) -> dict[str, dict[str, str]]:
        """Version and settings of each kind of database."""
        return {kind: databases.facts() for kind, databases in self.databases.items()}


@contextmanager
def staged(books: int, databases: set[str], url: str | None = None, backends: int = 0) -> Iterator[Stage]:
    """Seed what these `databases` need; PostgreSQL is the server at `url`, at DATABASE_URL, or one that is started.

    Raises `BenchmarkError`, also where the server refuses so many `backends`.
    """
    kinds = sorted({kind_of(database) for database in databases})
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        server = None
        if "postgresql" in kinds:
            server = stack.enter_context(connect_or_start(url or os.environ.get("DATABASE_URL") or None, POSTGRESQL))
            require_backends(server, backends)
        made = {kind: Databases(kind, folder, server if kind == "postgresql" else None) for kind in kinds}
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda one: one.seed(books), made.values()))
        placement = choose()
        stack.enter_context(placed(placement, server.pid if server else None))
        generator = stack.enter_context(driver(placement.others))
        port = stack.enter_context(trivial_server(placement.others, UPSTREAM_MILLISECONDS))
        yield Stage(books, folder, made, server, placement, generator, f"http://127.0.0.1:{port}")


def require_backends(server: PostgresServer, backends: int) -> None:
    """Raise `PostgresError` if the server does not allow so many connections beside the `OTHERS`."""
    with psycopg.connect(server.url) as connection:
        allowed = int(connection.execute("SHOW max_connections").fetchone()[0])  # type: ignore[index]
    if allowed < backends + OTHERS:
        problem = f"the PostgreSQL server allows {allowed} connections (max_connections), this run may need {backends + OTHERS}"
        raise PostgresError(f"{problem}: allow more, or choose fewer contenders or another profile")
