"""What outlives a request keeps nothing of its context: the loop's thread and a pooled connection."""

import asyncio
import contextvars
import threading
from typing import Any

import pytest
from flask import g, has_app_context, request
from sqlalchemy import text

from app_async.runtime import AsyncFlask, portal
from app_async.runtime.loop import ProcessLoop
from tests.runtime.answers import PATIENCE
from tests.runtime.app_users import NOBODY
from tests.runtime.conftest import Ask
from tests.runtime.databases import Databases, main

user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default=NOBODY)


def seen() -> tuple[bool, str, str]:
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


def test_pooled_connection_does_not_run_in_the_context_it_was_opened_in(on_postgres: Databases, ask: Ask) -> None:
    """asyncpg decodes rows and calls listeners where the socket is read, in the context of whoever opened the connection."""
    app = on_postgres.app(pool_size=1)
    looked: list[tuple[str, tuple[bool, str, str]]] = []
    pids = set()
    heard = asyncio.Event()

    @app.before_request
    def log_in() -> None:
        g.user = request.args["user"]
        user.set(g.user)

    def decode(value: str) -> str:
        looked.append(("codec", seen()))
        return value

    def listen(*_: object) -> None:
        looked.append(("listener", seen()))
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
