"""Databases and clients for the runtime's tests."""

import asyncio
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import httpx
import pytest

import app_async.runtime
from app_async.runtime import AsyncFlask, asgi_app
from benchmarks.postgres import Server, connect_or_start
from tests.runtime.answers import Answer
from tests.runtime.databases import Databases, create_tables, empty_tables, engines


class Ask(Protocol):
    """Ask an app in this process; the whole body is read."""

    def __call__(self, app: AsyncFlask, path: str, method: str = "GET", body: bytes = b"") -> Answer: ...


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server that DATABASE_URL names, or one of its own."""
    with connect_or_start(os.environ.get("DATABASE_URL")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_databases(postgres: Server) -> Databases:
    """Two databases with tables, shared by all tests."""
    names = [f"runtime_{secrets.token_hex(4)}" for _ in range(2)]
    databases = Databases(*(postgres.create_database(name) for name in names))
    create_tables(databases)
    return databases


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
            left = {str(engine.url): engine.pool.checkedout() for engine in engines(app)}  # type: ignore[attr-defined]
            if request.param == "loop":
                app.portal.call(app.portal.close)
            else:
                runner.run(app.portal.release())
            assert not any(left.values()), left


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the runtime and nothing else of the project, as if it had been copied elsewhere."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "app_async").mkdir()
    (folder / "app_async" / "__init__.py").touch()
    (folder / "app_async" / "runtime").symlink_to(app_async.runtime.__path__[0])
    return folder
