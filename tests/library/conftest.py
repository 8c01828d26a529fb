"""Databases and clients for the library's tests."""

import asyncio
import gc
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol

import httpx
import psycopg
import pytest
from sqlalchemy.orm import Session

import flask_oneloop
from benchmarks.machinery.postgres import PostgresServer
from flask_oneloop import AsyncFlask, asgi_app
from tests.library.answers import PATIENCE, Answer
from tests.library.databases import LOOKING, Databases, create_tables, empty_tables, engines
from tests.servers import ASGI, serve
from tests.servers import Server as WebServer

SLOW_COMMIT = """
CREATE TABLE slow (name text);
CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.6); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION be_slow();
"""

Closing = Callable[[AsyncFlask], AsyncFlask]


class Ask(Protocol):
    """Ask an app in this process; the whole body is read."""

    def __call__(self, app: AsyncFlask, path: str, method: str = "GET", body: bytes = b"") -> Answer: ...


@pytest.fixture(scope="session", autouse=True)
def _looked() -> Iterator[None]:
    with LOOKING:
        yield


def make_databases(postgres: PostgresServer) -> Databases:
    """Two databases with tables; a commit of a row of ``slow``, in either, takes a while."""
    databases = Databases(*(postgres.create_database(f"runtime_{secrets.token_hex(4)}") for _ in range(2)))
    create_tables(databases)
    for url in (databases.main, databases.second):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(SLOW_COMMIT)
    return databases


@pytest.fixture(scope="session")
def postgres_databases(postgres: PostgresServer) -> Databases:
    """Two databases with tables, shared by all tests."""
    return make_databases(postgres)


@pytest.fixture
def on_postgres(postgres_databases: Databases) -> Databases:
    """The two databases, with empty tables."""
    empty_tables(postgres_databases)
    return postgres_databases


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Databases:
    """Two SQLite files with tables."""
    databases = Databases(f"sqlite:///{tmp_path}/main.db", f"sqlite:///{tmp_path}/second.db")
    create_tables(databases)
    return databases


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Empty tables in two databases of either kind."""
    found: Databases = request.getfixturevalue({"sqlite": "on_sqlite", "postgresql": "on_postgres"}[request.param])
    return found


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What is freed is freed at once, and not because the collector has come."""
    collecting = gc.isenabled()
    gc.disable()
    yield
    if collecting:
        gc.enable()


def checked_out(app: AsyncFlask) -> dict[str, int]:
    """How many connections are, by URL."""
    return {str(engine.url): engine.pool.checkedout() for engine in engines(app)}  # type: ignore[attr-defined]


@pytest.fixture(params=["loop", "native"])
def ask(request: pytest.FixtureRequest) -> Iterator[Ask]:
    """A client for either execution model. Whatever a test asked, in the end no connection is checked out."""
    apps: list[AsyncFlask] = []
    runner = asyncio.Runner()

    def ask_loop(app: AsyncFlask, path: str, method: str = "GET", body: bytes = b"") -> Answer:
        apps.append(app)
        with app.test_client(use_cookies=False).open(path, method=method, data=body) as response:
            return Answer(response.status_code, list(response.headers), response.get_data())

    def ask_native(app: AsyncFlask, path: str, method: str = "GET", body: bytes = b"") -> Answer:
        apps.append(app)

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(asgi_app(app), raise_app_exceptions=app.testing)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.request(method, path, content=body)

        response = runner.run(send())
        return Answer(response.status_code, response.headers.multi_items(), response.content)

    with runner:
        yield {"loop": ask_loop, "native": ask_native}[request.param]
        for app in apps:
            deadline = time.monotonic() + PATIENCE
            while any((left := checked_out(app)).values()) and time.monotonic() < deadline:
                runner.run(asyncio.sleep(0.01))  # what ends a session may still wait for the database
            if request.param == "loop":
                app.portal.call(app.portal.close)
            else:
                runner.run(app.portal.release())
            assert not any(left.values()), left


@pytest.fixture
def closing() -> Iterator[Closing]:
    """For an app that is not asked through ``ask``: returns it, and closes its connections when the test ends."""
    apps: list[AsyncFlask] = []

    def add(app: AsyncFlask) -> AsyncFlask:
        apps.append(app)
        return app

    yield add
    for app in apps:
        app.portal.call(app.portal.close)


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """The sessions in the order of their closing, each as often as it is closed."""
    sessions: list[Session] = []
    close = Session.close

    def note_and_close(self: Session) -> None:
        sessions.append(self)
        close(self)

    monkeypatch.setattr(Session, "close", note_and_close)
    return sessions


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the library and nothing else of the project, as if it had been copied elsewhere."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "flask_oneloop").symlink_to(flask_oneloop.__path__[0])
    return folder


NOTICE = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET client_connection_check_interval = 500', current_database()); END $$"
"""Milliseconds. PostgreSQL ignores a cancel request that comes before its query: then it has to notice that nobody is there."""


class Serving:
    """Servers of `tests.library.app_served`, each started when it is first asked for, on a database of their own."""

    def __init__(self, postgres: PostgresServer, bare: Path) -> None:
        self.database = make_databases(postgres)
        with psycopg.connect(self.database.main, autocommit=True) as connection:
            connection.execute(NOTICE)
        self.env = {
            "PYTHONPATH": str(bare),
            "PYTHONWARNINGS": "default::ResourceWarning,default::RuntimeWarning",
            "PROBE_URL": self.database.main,
        }
        self._running: dict[str, WebServer] = {}
        self._stack = ExitStack()

    def start(self, kind: str) -> WebServer:
        """The running server of this kind, which other tests have asked before."""
        if kind not in self._running:
            self._running[kind] = self._stack.enter_context(self.fresh(kind))
        return self._running[kind]

    def fresh(self, kind: str, *arguments: str) -> AbstractContextManager[WebServer]:
        """A server of this kind that nobody has asked; it ends with the block."""
        attribute = "asgi" if kind in ASGI else "app"
        return serve(kind, f"tests.library.app_served:{attribute}", *arguments, env=self.env)

    def end(self) -> None:
        """End them at the same time: some wait seconds for their idle connections."""
        with self._stack, ThreadPoolExecutor() as pool:
            list(pool.map(WebServer.stop, self._running.values()))


@pytest.fixture(scope="session")
def serving(postgres: PostgresServer, bare: Path) -> Iterator[Serving]:
    """The servers that tests share."""
    servers = Serving(postgres, bare)
    try:
        yield servers
    finally:
        servers.end()
