"""Requests whose client leaves while their sessions are committed or closed: all of it is done, or nothing."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, MutableMapping
from inspect import isawaitable
from typing import Any

import pytest
from flask import Response, stream_with_context
from sqlalchemy import event, text

from flask_oneloop import AdvancedAlchemy, AsyncFlask, asgi_app, stream
from tests.library.answers import PATIENCE, wait_until
from tests.library.databases import Databases, Note, config, engines, main, second, select
from tests.library.test_mixed_configs import sync_config

Message = MutableMapping[str, Any]
SLEEPING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"


async def ask_and_leave(app: AsyncFlask, when: Callable[[], object]) -> None:
    """A request whose client is gone as soon as it is so, or when it has ended."""
    messages: list[Message] = [{"type": "http.request"}]
    ended = threading.Event()

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.to_thread(wait_until, lambda: ended.is_set() or when(), "when to leave")
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None: ...

    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/", "headers": []}
    try:
        async with asyncio.timeout(PATIENCE):
            await asgi_app(app)(scope, receive, send)
    finally:
        ended.set()  # else the thread that waits for when to leave would be waited for, until it gives up
    await app.portal.release()


@pytest.mark.parametrize("kinds", ["async async", "sync async", "async sync"])
def test_client_that_leaves_during_a_commit_tears_nothing(on_postgres: Databases, kinds: str) -> None:
    app = AsyncFlask("probe")
    app.testing = True
    made = [
        (sync_config if kind == "sync" else config)(url, bind_key)
        for kind, url, bind_key in zip(kinds.split(), (on_postgres.main, on_postgres.second), ("main", "second"), strict=True)
    ]
    alchemy = AdvancedAlchemy(made, app)

    @app.post("/")
    async def write() -> str:
        alchemy.get_session("second").add(Note(name="kept"))
        inserted = alchemy.get_session("main").execute(text("INSERT INTO slow (name) VALUES (:name)"), {"name": kinds})
        if isawaitable(inserted):
            await inserted
        return ""

    asyncio.run(ask_and_leave(app, lambda: select(on_postgres.main, SLEEPING)))
    assert select(on_postgres.main, f"SELECT count(*) FROM slow WHERE name = '{kinds}'") == [1]
    assert on_postgres.count(Note) == 1


def test_client_that_leaves_during_the_closing_of_sessions_leaves_none_open(on_postgres: Databases) -> None:
    """In the teardown of a stream, which is the last that could close them."""
    app = on_postgres.app()
    begun = asyncio.Event()

    @app.post("/")
    async def view() -> Response:
        async def chunks() -> AsyncGenerator[str, None]:
            for one in (main(app), second(app)):
                await one.execute(text("SELECT 1"))
            yield ""

        return Response(stream_with_context(stream(chunks())))

    async def ask_and_cancel() -> None:
        """Cancelled at the first ROLLBACK."""
        task = asyncio.create_task(ask_and_leave(app, lambda: False))
        await asyncio.wait_for(begun.wait(), PATIENCE)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert [engine.pool.checkedout() for engine in engines(app)] == [0, 0]  # type: ignore[attr-defined]
        await app.portal.release()

    for engine in engines(app):
        event.listen(engine, "rollback", lambda _: begun.set())
    asyncio.run(ask_and_cancel())


def test_cancellation_that_was_taken_is_not_left_on_the_task() -> None:
    """A timeout or a task group of a middleware would take it for its own."""
    app = AsyncFlask("probe")
    left: list[int] = []

    @app.post("/")
    async def view() -> str:
        await asyncio.sleep(PATIENCE)
        return ""

    async def middleware() -> None:
        await ask_and_leave(app, lambda: True)
        task = asyncio.current_task()
        assert task is not None
        left.append(task.cancelling())

    asyncio.run(middleware())
    assert left == [0]
