"""What outlives a request keeps nothing of its context: the loop's thread and a pooled connection."""

import asyncio
import contextvars
import gc
import threading
import weakref
from typing import Any, cast

import httpx
import pytest
from advanced_alchemy.extensions.flask import SQLAlchemyAsyncConfig
from flask import g, has_app_context, request
from sqlalchemy import Pool, event, make_url, text

from flask_oneloop import AsyncFlask, asgi_app, portal
from flask_oneloop.loop import ProcessLoop
from tests.library.answers import PATIENCE
from tests.library.app_users import NOBODY
from tests.library.conftest import Ask
from tests.library.databases import Databases, engines, extension, main

user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default=NOBODY)


def seen_here() -> tuple[bool, str, str]:
    """Whether there is an application context, whose it is, and whose the context variable is."""
    return has_app_context(), str(g.get("user")) if has_app_context() else NOBODY, user.get()


def test_loops_thread_is_started_with_an_empty_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.14 can have a thread inherit the context it is started in; the first request that waits starts this one."""
    contexts: list[contextvars.Context] = []
    start = threading.Thread.start

    def note_and_start(thread: threading.Thread) -> None:
        if thread.name == "event-loop":
            contexts.append(contextvars.copy_context())
        start(thread)

    fresh = ProcessLoop()
    monkeypatch.setattr(threading.Thread, "start", note_and_start)
    monkeypatch.setattr(portal, "process_loop", fresh)
    app = AsyncFlask("probe")

    @app.get("/")
    async def view() -> str:
        return request.path

    user.set("alice")
    assert app.test_client().get("/").text == "/"
    fresh._stop()
    assert [dict(context) for context in contexts] == [{}]


async def driver_connection(app: AsyncFlask) -> Any:
    raw = await (await main(app).connection()).get_raw_connection()
    return raw.driver_connection


@pytest.mark.parametrize("opened", ["by the dialect", "by a listener"])
def test_pooled_connection_does_not_run_in_the_context_it_was_opened_in(on_postgres: Databases, ask: Ask, opened: str) -> None:
    """asyncpg decodes rows and calls listeners where the socket is read, in the context of whoever opened the connection."""
    app = on_postgres.app(pool_size=1)
    if opened == "by a listener":
        (engine,) = (one for one in engines(app) if one.url.database == make_url(on_postgres.main).database)
        event.listen(engine, "do_connect", lambda dialect, _, args, options: dialect.connect(*args, **options))
    looked: list[tuple[str, tuple[bool, str, str]]] = []
    pids = set()
    heard = asyncio.Event()

    @app.before_request
    def log_in() -> None:
        g.user = request.args["user"]
        user.set(g.user)

    def decode(value: str) -> str:
        looked.append(("codec", seen_here()))
        return value

    def listen(*_: object) -> None:
        looked.append(("listener", seen_here()))
        heard.set()

    @app.get("/open")
    async def open_connection() -> str:
        connection = await driver_connection(app)
        await connection.set_type_codec("name", schema="pg_catalog", encoder=str, decoder=decode)
        await connection.add_listener("probe", listen)
        pids.add(connection.get_server_pid())
        return ""

    @app.get("/use")
    async def use() -> str:
        connection = await driver_connection(app)
        pids.add(connection.get_server_pid())
        found = await main(app).scalar(text("SELECT 'found'::name"))
        await connection.execute("NOTIFY probe")
        await main(app).commit()
        await asyncio.wait_for(heard.wait(), PATIENCE)
        await connection.remove_listener("probe", listen)
        return str(found)

    ask(app, "/open?user=alice")
    assert ask(app, "/use?user=bobby").text == "found"
    assert len(pids) == 1, "it was another connection"
    nothing = (False, NOBODY, NOBODY)
    assert looked == [("codec", nothing), ("listener", nothing)]


def test_an_engine_of_many_apps_connects_as_before(on_sqlite: Databases) -> None:
    """What opens its connections is wrapped once, not once for each app."""
    app = on_sqlite.app()
    (engine, *_) = engines(app)
    creator = engine.pool._creator
    (config, *_) = extension(app).config
    AsyncFlask("another").portal.own(cast("SQLAlchemyAsyncConfig", config).get_engine())
    assert engine.pool._creator is creator
    engine.dispose(close=False)
    assert engine.pool._creator is creator, "the next pool connects in the same way"


def test_pools_of_an_ended_loop_go_with_their_app(on_sqlite: Databases) -> None:
    """Only what a fork inherits is kept for ever; what a loop that was closed has left is not kept at all."""

    def serve_twice() -> list[weakref.ref[Pool]]:
        app = on_sqlite.app()
        pools = [engine.pool for engine in engines(app)]
        for _ in range(2):
            asyncio.run(app.portal.adopt())
        assert pools != [engine.pool for engine in engines(app)]
        return [weakref.ref(pool) for pool in pools]

    pools = serve_twice()
    gc.collect()
    assert [pool() for pool in pools] == [None, None]


def test_a_view_that_is_cancelled_ends_in_its_own_context() -> None:
    """What it does then, and its teardown, see its ``g`` and its variables."""
    app = AsyncFlask("probe")
    seen: list[tuple[str, tuple[bool, str, str]]] = []
    waiting = asyncio.Event()

    @app.get("/")
    async def view() -> str:
        g.user = "alice"
        user.set("alice")
        try:
            waiting.set()
            await asyncio.sleep(PATIENCE)
        finally:
            seen.append(("view", seen_here()))
        return ""

    @app.teardown_request
    def tear_down(_: BaseException | None) -> None:
        seen.append(("teardown", seen_here()))

    async def serve_and_cancel() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi_app(app)), base_url="http://localhost") as client:
            task = asyncio.create_task(client.get("/"))
            await waiting.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(serve_and_cancel())
    assert seen == [("view", (True, "alice", "alice")), ("teardown", (True, "alice", "alice"))]
