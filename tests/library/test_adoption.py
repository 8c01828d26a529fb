"""Apps that change the loop: served on one, asked synchronously, served on another, as the tests of an app do."""

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any
from warnings import catch_warnings

import httpx
import pytest
import uvloop
from advanced_alchemy.extensions.flask import SQLAlchemyAsyncConfig
from sqlalchemy import text

from flask_oneloop import AdvancedAlchemy, AsyncFlask, asgi_app
from tests.library.answers import PATIENCE, in_time, wait_until
from tests.library.conftest import Closing
from tests.library.databases import Databases, Owner, backends, extension, main, with_driver

Message = MutableMapping[str, Any]
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
"""The connections of a loop that was closed before them cannot be closed any more."""


@pytest.fixture(scope="module", autouse=True)
def _collected_here() -> Iterator[None]:
    """Such connections are collected where their warning is expected."""
    yield
    with catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()


@pytest.fixture
def app(on_postgres: Databases, closing: Closing) -> AsyncFlask:
    """An app whose view holds a pooled asyncpg connection for a moment, and says which."""
    app = closing(on_postgres.app(pool_size=4))

    @app.get("/")
    async def backend() -> str:
        session = extension(app).get_async_session("main")
        return str(await session.scalar(text("SELECT pg_backend_pid() FROM pg_sleep(0.01)")))

    return app


async def ask_native(app: AsyncFlask, times: int = 1) -> set[int]:
    """Ask so many times at once, without a lifespan; the backends that answered."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi_app(app)), base_url="http://localhost") as client:
        return {int(answer.text) for answer in await asyncio.gather(*(client.get("/") for _ in range(times)))}


async def with_lifespan(app: AsyncFlask, inside: Callable[[], Awaitable[object]]) -> list[Message]:
    """Start the application as a server does, do something, shut it down; what it sent."""
    sent: list[Message] = []
    orders: asyncio.Queue[Message] = asyncio.Queue()
    started = asyncio.Event()

    async def send(message: Message) -> None:
        sent.append(message)
        started.set()

    orders.put_nowait({"type": "lifespan.startup"})
    task = asyncio.create_task(asgi_app(app)({"type": "lifespan"}, orders.get, send))
    await started.wait()
    await inside()
    orders.put_nowait({"type": "lifespan.shutdown"})
    await asyncio.wait_for(task, PATIENCE)
    return sent


def ask_sync(app: AsyncFlask) -> int:
    return int(app.test_client().get("/").text)


def test_one_loop_after_the_other(app: AsyncFlask) -> None:
    for _ in range(3):
        assert len(asyncio.run(ask_native(app, 4))) == 4


@pytest.mark.parametrize("factory", [uvloop.new_event_loop, asyncio.new_event_loop])
@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_connections_of_ended_loops_are_closed(on_postgres: Databases, factory: Any, driver: str) -> None:
    """A loop for each test: only the last one may still have some."""
    app = AsyncFlask("probe")
    app_config = SQLAlchemyAsyncConfig(connection_string=with_driver(on_postgres.main, driver), bind_key="main")
    AdvancedAlchemy(app_config, app)

    @app.get("/")
    async def backend() -> str:
        return str(await main(app).scalar(text("SELECT pg_backend_pid()")))

    answered: list[int] = []
    for _ in range(5):
        with asyncio.Runner(loop_factory=factory) as runner:
            answered += runner.run(ask_native(app))
    assert len({*answered}) == 5
    wait_until(lambda: not {*answered[:-1]} & backends(on_postgres.main), "the end of their connections")
    app.portal.drop_ended()
    wait_until(lambda: answered[-1] not in backends(on_postgres.main), "the end of the last one")


def test_no_loop_is_made_to_close_connections_of_an_ended_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio would make one for the main thread, which nobody closes."""
    app = AsyncFlask("probe")
    config = SQLAlchemyAsyncConfig(connection_string=f"sqlite+aiosqlite:///{tmp_path}/probe.db", bind_key="main")
    AdvancedAlchemy(config, app)

    @app.get("/")
    async def one() -> str:
        return str(await main(app).scalar(text("SELECT 1")))

    assert asyncio.run(ask_native(app)) == {1}
    assert [thread for thread in threading.enumerate() if "connection_worker" in thread.name]
    asked: list[threading.Thread] = []
    get_event_loop = asyncio.get_event_loop

    def noted() -> asyncio.AbstractEventLoop:
        asked.append(threading.current_thread())
        return get_event_loop()

    monkeypatch.setattr(asyncio, "get_event_loop", noted)
    app.portal.drop_ended()
    assert asked
    assert threading.main_thread() not in asked
    wait_until(lambda: not [one for one in threading.enumerate() if "connection_worker" in one.name], "the end of its thread")


def test_synchronously_after_a_loop_that_was_closed(app: AsyncFlask) -> None:
    asyncio.run(ask_native(app))
    assert ask_sync(app) == ask_sync(app)


def test_synchronously_while_its_loop_rests(app: AsyncFlask) -> None:
    """Between two coroutines of a runner nobody runs its loop: a call must not wait for it for ever."""
    with asyncio.Runner() as runner:
        runner.run(ask_native(app))
        in_time(lambda: ask_sync(app))


def test_connections_of_the_process_loop_are_closed_when_a_server_takes_over(app: AsyncFlask, on_postgres: Databases) -> None:
    former = ask_sync(app)
    assert former in backends(on_postgres.main)
    latter = asyncio.run(ask_native(app, 4))
    assert former not in latter
    wait_until(lambda: former not in backends(on_postgres.main), "the end of the former connection")


def test_first_requests_at_once_on_two_loops_in_turn(app: AsyncFlask) -> None:
    """Each time the requests wait together while the connections of the former loop are closed."""
    for _ in range(2):
        ask_sync(app)
        assert len(asyncio.run(ask_native(app, 4))) == 4


def test_lifespan_ends_with_every_connection_closed(app: AsyncFlask, on_postgres: Databases) -> None:
    answered: set[int] = set()

    async def inside() -> None:
        answered.update(await ask_native(app, 4))
        assert answered <= backends(on_postgres.main)

    sent = asyncio.run(with_lifespan(app, inside))
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert len(answered) == 4
    wait_until(lambda: not answered & backends(on_postgres.main), "the end of the connections")
    assert ask_sync(app) not in answered


def test_second_running_loop_is_refused_at_startup(app: AsyncFlask) -> None:
    async def start_again() -> list[Message]:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "lifespan.startup"}

        async def send(message: Message) -> None:
            sent.append(message)

        await asgi_app(app)({"type": "lifespan"}, receive, send)
        return sent

    async def inside() -> None:
        (failed,) = await asyncio.to_thread(asyncio.run, start_again())
        assert failed["type"] == "lifespan.startup.failed"
        assert "already served on another event loop" in failed["message"]
        assert await ask_native(app)

    asyncio.run(with_lifespan(app, inside))


def test_disconnect_is_noticed_on_every_loop() -> None:
    app = AsyncFlask("probe")
    ends: list[str] = []

    @app.get("/")
    async def view() -> str:
        try:
            await asyncio.sleep(2 * PATIENCE)
        finally:
            ends.append("cancelled")
        return ""

    asgi = asgi_app(app)

    async def request_and_leave() -> None:
        messages: asyncio.Queue[Message] = asyncio.Queue()
        messages.put_nowait({"type": "http.request"})
        messages.put_nowait({"type": "http.disconnect"})

        async def send(message: Message) -> None: ...

        scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": "/", "headers": []}
        await asyncio.wait_for(asgi(scope, messages.get, send), PATIENCE)

    for _ in range(3):
        asyncio.run(request_and_leave())
    assert ends == ["cancelled"] * 3


def test_request_that_ends_after_the_shutdown_ends_on_its_loop(app: AsyncFlask) -> None:
    """A server cancels what has not ended in time, before the lifespan's end or after it."""
    loops: list[asyncio.AbstractEventLoop] = []
    waiting = asyncio.Event()

    @app.get("/wait")
    async def wait() -> str:
        await main(app).execute(text("SELECT 1"))
        waiting.set()
        await asyncio.sleep(PATIENCE)
        return ""

    async def note() -> None:
        loops.append(asyncio.get_running_loop())

    @app.teardown_request
    def tear_down(_: BaseException | None) -> None:
        app.portal.call(note)

    async def test() -> asyncio.AbstractEventLoop:
        tasks = []

        async def inside() -> None:
            scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": "/wait", "headers": []}
            messages: asyncio.Queue[Message] = asyncio.Queue()
            tasks.append(asyncio.create_task(asgi_app(app)(scope, messages.get, messages.put)))
            await waiting.wait()

        await with_lifespan(app, inside)
        tasks[0].cancel()
        await asyncio.wait(tasks)
        return asyncio.get_running_loop()

    assert loops == [asyncio.run(test())]


@pytest.mark.parametrize("factory", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_loops_that_take_turns_keep_the_connections_of_one_turn(
    app: AsyncFlask, on_postgres: Databases, factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    others = backends(on_postgres.main)  # of apps of other tests, which the collector has not come to
    with asyncio.Runner(loop_factory=factory) as one, asyncio.Runner(loop_factory=factory) as other:
        for _ in range(5):
            of_one = one.run(ask_native(app))
            of_other = other.run(ask_native(app))
        ours = of_one | of_other | others
        wait_until(lambda: backends(on_postgres.main) <= ours, "the end of the connections of former turns")


def test_loop_that_is_refused_changes_nothing_for_the_other(app: AsyncFlask) -> None:
    asgi = asgi_app(app)
    app.config["ONELOOP_REQUESTS"] = 2
    waiting, go = asyncio.Event(), asyncio.Event()

    @app.get("/wait")
    async def wait() -> str:
        waiting.set()
        await go.wait()
        return ""

    async def ask(path: str) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi), base_url="http://localhost") as client:
            return (await client.get(path)).status_code

    async def test() -> list[int]:
        first = asyncio.create_task(ask("/wait"))
        await waiting.wait()
        with pytest.raises(RuntimeError, match="already served on another event loop"):
            await asyncio.to_thread(asyncio.run, ask("/"))
        waiting.clear()
        second = asyncio.create_task(ask("/wait"))
        await waiting.wait()
        refused = await asyncio.wait_for(ask("/wait"), PATIENCE)
        go.set()
        statuses = [refused, await first, await second]
        await app.portal.release()
        return statuses

    assert asyncio.run(test()) == [503, 200, 200]


def test_first_request_that_leaves_while_former_connections_are_closed_is_alone(app: AsyncFlask) -> None:
    """The next ones are served, whether they wait for that too or come later."""

    async def test() -> None:
        first = asyncio.create_task(ask_native(app))
        second = asyncio.create_task(ask_native(app))
        while app.portal._adopting is None:  # noqa: ASYNC110 - it is iterations that have to pass
            await asyncio.sleep(0)
        first.cancel()
        assert await second
        assert await ask_native(app)
        assert app.portal.adopted(asyncio.get_running_loop())
        await app.portal.release()

    ask_sync(app)
    asyncio.run(test())


@pytest.mark.parametrize("database", ["", "/:memory:"])
def test_database_in_memory_lasts_from_its_creation_to_a_servers_loop(database: str) -> None:
    app = AsyncFlask("probe")
    url = f"sqlite+aiosqlite://{database}"
    AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string=url, bind_key="main", create_all=True, commit_mode="autocommit"), app)

    @app.get("/")
    async def count() -> str:
        main(app).add(Owner(name=f"of {id(asyncio.get_running_loop())}"))
        await main(app).flush()
        return str(await main(app).scalar(text("SELECT count(*) FROM owner")))

    async def test() -> None:
        assert await ask_native(app) == {2}
        await app.portal.release()

    assert ask_sync(app) == 1
    asyncio.run(test())
