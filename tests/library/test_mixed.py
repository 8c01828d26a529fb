"""Plain and async views in one app under real ASGI servers: the view decides where its request runs."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import Context, ContextVar, copy_context
from typing import Any

import httpx
import pytest
from flask import Response
from flask.views import MethodView
from werkzeug.routing import Rule

from flask_oneloop import AsyncFlask, asgi_app, threads
from flask_oneloop.asgi import ASGIApp
from flask_oneloop.environ import Send
from flask_oneloop.threads import OwnThread
from tests.library.answers import PATIENCE, Client, ask_server, get, open_socket, wait_until
from tests.library.app_mixed import BLOCKING
from tests.library.contexts import CONTEXTS_ARE_ONE
from tests.servers import ASGI, Server, serve

THREADS = 6


@pytest.fixture(scope="module", params=ASGI)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serve(request.param, "tests.library.app_mixed:asgi") as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.port) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "place"),
    [
        ("GET", "/where/plain", "thread"),
        ("GET", "/where/plain/login", "thread"),
        ("GET", "/where/async", "loop"),
        ("GET", "/where/async/wrapped", "thread"),
        ("GET", "/where/async/login", "thread"),
        ("GET", "/where/on-loop", "loop"),
        ("GET", "/where/methods", "thread"),
        ("POST", "/where/methods", "loop"),
        ("PUT", "/where/methods", "loop"),
        ("GET", "/where/single", "loop"),
    ],
)
def test_view_decides_where_all_of_its_request_runs(client: Client, method: str, path: str, place: str) -> None:
    answer = client.ask(path, method)
    asynchronous = {"async before", *(["view"] if path.startswith("/where/async/") else [])}
    assert (answer.status, answer.text) == (200, "loop" if "view" in asynchronous else place)
    seen = client.ask("/seen").json
    assert [name for name, *_ in seen] == ["before", "async before", "view", "after", "teardown"]
    own = [(thread, on_a_loop) for name, thread, on_a_loop, _ in seen if name not in asynchronous]
    assert {*map(tuple, own)} == {(own[0][0], place == "loop")}, "one thread for all of it"
    assert seen[1][2], "a coroutine runs on the loop"
    assert seen[-1][3] == " before async before view after teardown", "context variables go all the way"


def test_function_that_runs_a_coroutine_function_on_a_loop_of_its_own_is_plain(client: Client) -> None:
    answer = client.ask("/where/async/run")
    assert (answer.status, answer.text) == (200, "loop")
    assert {on_a_loop for name, _, on_a_loop, _ in client.ask("/seen").json if name in {"before", "after", "teardown"}} == {False}


def test_error_handlers_run_where_the_view_does(client: Client) -> None:
    answer = client.ask("/where/plain?fail")
    assert (answer.status, answer.text) == (400, "thread")
    assert [name for name, *_ in client.ask("/seen").json] == ["before", "async before", "handler", "after", "teardown"]
    answer = client.ask("/where/nothing")
    assert answer.status == 404
    assert {on_a_loop for name, _, on_a_loop, _ in client.ask("/seen").json if name != "async before"} == {False}


def test_request_g_and_session_are_its_own(client: Client) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        answers = [*pool.map(lambda number: ask_server(client.connection.port, f"/where/plain?q={number}"), range(60))]
    assert {answer.text for answer in answers} == {"thread"}
    assert len({cookie for answer in answers for cookie in answer.all("Set-Cookie")}) == 60


def test_plain_views_block_side_by_side_while_async_views_go_on(server: Server, client: Client) -> None:
    before = client.ask("/counters").json.get("met", 0)
    with ThreadPoolExecutor(THREADS) as pool:
        first = [pool.submit(ask_server, server.port, f"/meet/{THREADS}") for _ in range(THREADS - 1)]
        wait_until(lambda: client.ask("/counters").json.get("met", 0) == before + THREADS - 1, "all of them, waiting")
        assert client.ask("/where/async").text == "loop"
        assert client.ask(f"/meet/{THREADS}").text == "met"
        assert [one.result().text for one in first] == ["met"] * (THREADS - 1)


@pytest.mark.parametrize("kind", ["uvicorn"])
def test_threads_are_bounded(kind: str) -> None:
    with (
        serve(kind, "tests.library.app_mixed:asgi") as server,
        ThreadPoolExecutor(THREADS + 4) as pool,
        Client(server.port) as client,
    ):
        answers = []
        for number in range(THREADS):
            answers.append(pool.submit(ask_server, server.port, f"/queue/{number}"))
            wait_until(lambda number=number: number in client.ask("/queue").json, "the next in a thread")  # type: ignore[misc]
        sockets = []
        for number in range(THREADS, THREADS + 4):
            sockets.append(open_socket(server.port, get(f"/queue/{number}")))
            client.ask("/loop")  # the socket was accepted before this is answered
        assert client.ask("/queue").json == [*range(THREADS)]
        sockets[1].close()  # and is passed over
        wait_until(lambda: client.ask("/where/async").text == "loop", "an answer")
        time.sleep(0.3)  # until it is noticed
        client.ask("/queue", "POST")
        assert [answer.result().text for answer in answers] == ["gone"] * THREADS
        expected = [*range(THREADS), *(number for number in range(THREADS, THREADS + 4) if number != THREADS + 1)]
        wait_until(lambda: len(client.ask("/queue").json) == len(expected), "all")
        assert sorted(client.ask("/queue").json) == expected, "in which order they write that down is the threads' affair"
        for one in sockets:
            one.close()


@pytest.mark.parametrize("name", BLOCKING)
def test_what_blocks_or_runs_a_loop_is_harmless_in_a_plain_view(server: Server, client: Client, name: str) -> None:
    """Three at a time, for some need another request to be stuck."""
    loop = client.ask("/loop").text
    with ThreadPoolExecutor(3) as pool:
        answers = [*pool.map(lambda _: ask_server(server.port, f"/block/{name}"), range(3))]
    assert {answer.status for answer in answers} == {200}
    assert {answer.text for answer in answers} == {{"lock": loop, "future": loop, "queue": "handed"}.get(name, "run")}


def test_stream_of_a_plain_view_is_iterated_in_threads(client: Client) -> None:
    assert client.ask("/where/stream").text == "thread\n" * 2
    ends = "" if CONTEXTS_ARE_ONE else " teardown"
    assert client.ask("/seen").json[-1][3] == f" before async before after{ends} first second teardown"
    assert client.ask("/where/stream/async").text == "loop\n" * 2


def test_what_is_bound_to_a_thread_can_be_used_all_through_a_stream(server: Server) -> None:
    """Several at once, each taking turns with the others."""
    with ThreadPoolExecutor(2 * THREADS) as pool:
        answers = [*pool.map(lambda _: ask_server(server.port, "/bound"), range(4 * THREADS))]
    assert {answer.text for answer in answers} == {"0123456789"}


def test_open_streams_of_plain_views_keep_no_thread_from_others(server: Server, client: Client) -> None:
    with ExitStack() as stack:
        for _ in range(THREADS + 1):
            connection = stack.enter_context(open_socket(server.port, get("/flood"), receive_buffer=65536))
            assert connection.recv(1024).startswith(b"HTTP/1.1 200")
        assert client.ask("/where/plain").text == "thread"


def test_thread_that_does_not_end_holds_no_shutdown_up() -> None:
    with serve("hypercorn", "tests.library.app_mixed:asgi", "--graceful-timeout", "1") as server:
        connection = open_socket(server.port, get("/stuck"))
        wait_until(lambda: ask_server(server.port, "/counters").json.get("stuck"), "the view")
        server.stop()
        connection.close()
        assert "left with GET /stuck, in stuck: threading.Event().wait()" in server.output


def test_stream_of_a_plain_view_ends_with_its_client(server: Server, client: Client) -> None:
    before = client.ask("/counters").json.get("drips ended", 0)
    with open_socket(server.port, get("/drip")) as connection:
        connection.recv(3000)
    wait_until(lambda: client.ask("/counters").json.get("drips ended", 0) > before, "the end of the generator")


def test_what_is_left_to_do_after_the_response_is_done_in_a_thread(server: Server, client: Client) -> None:
    before = client.ask("/counters").json.get("closed in a thread", 0)
    with open_socket(server.port, get("/close")) as connection:
        received = b""
        while not received.endswith(b"sent"):
            received += connection.recv(4096)
        client.ask("/queue", "POST")
    wait_until(lambda: client.ask("/counters").json.get("closed in a thread", 0) > before, "what comes after it")


def test_session_of_the_thread_is_removed_by_the_teardown(server: Server, client: Client) -> None:
    """Flask's documentation of SQLAlchemy has it so: the registry goes by threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        assert {answer.text for answer in pool.map(lambda _: ask_server(server.port, "/scoped"), range(30))} == {"42"}
    assert client.ask("/scoped/open").text == "0"


async def places(app: AsyncFlask, *paths: tuple[str, str]) -> list[str]:
    """Where the error handlers and the hooks of these requests run."""
    seen: list[str] = []
    app.before_request_funcs = {None: [lambda: seen.append("loop" if asyncio._get_running_loop() else "thread")]}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi_app(app)), base_url="http://localhost") as client:
        for method, path in paths:
            await client.request(method, path)
    await app.portal.release()
    return seen


def test_what_matches_no_view_costs_an_app_of_async_views_no_thread() -> None:
    app = AsyncFlask("probe")

    class Methods(MethodView):
        async def get(self) -> str:
            return ""

        async def post(self) -> str:
            return ""

    app.add_url_rule("/", view_func=Methods.as_view("methods"))
    asked = [("GET", "/"), ("OPTIONS", "/"), ("DELETE", "/"), ("GET", "/nothing"), ("GET", "/static/nothing")]
    assert asyncio.run(places(app, *asked)) == ["loop"] * 4 + ["thread"]
    app.url_map.add(Rule("/plain", endpoint="plain"))
    app.view_functions["plain"] = lambda: ""
    assert asyncio.run(places(app, *asked)) == ["loop"] * 2 + ["thread"] * 3


@pytest.mark.parametrize(
    "how", [lambda views, view: views.update(view=view), lambda views, view: views.__setitem__("view", view)]
)
def test_view_that_is_replaced_after_the_first_request_is_where_it_belongs(
    how: Callable[[dict[str, Any], Callable[..., Any]], None],
) -> None:
    app = AsyncFlask("probe")

    async def of_async() -> str:
        return ""

    def plain() -> str:
        return ""

    app.add_url_rule("/", "view", of_async)
    seen = []
    for view in (of_async, plain, of_async):
        how(app.view_functions, view)
        seen += asyncio.run(places(app, ("GET", "/")))
    assert seen == ["loop", "thread", "loop"]


def test_places_in_threads_are_given_first_come_first_served() -> None:
    began: list[int] = []

    async def test() -> None:
        free = asyncio.Semaphore(1)
        tasks = [asyncio.create_task(OwnThread(free, copy_context()).run(began.append, number)) for number in range(6)]
        await asyncio.sleep(0)
        for number in (0, 3):  # one in a thread, which cannot be cancelled, and one that waits
            tasks[number].cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(end) is asyncio.CancelledError for end in ended] == [number in {0, 3} for number in range(6)]

    asyncio.run(test())
    assert began == [0, 1, 2, 4, 5]


def test_thread_gives_up_nothing_of_a_call_that_is_cancelled() -> None:
    """The task ends when the call does, in its own context; what it raises is dropped with its result."""
    here, there = threading.Event(), threading.Event()
    ended: list[str] = []
    variable: ContextVar[str] = ContextVar("variable")

    def work() -> None:
        variable.set("set in the thread")
        here.set()
        there.wait(PATIENCE)
        ended.append("call")

    async def test() -> None:
        context = Context()
        task = asyncio.create_task(OwnThread(asyncio.Semaphore(1), context).run(work))
        await asyncio.to_thread(here.wait, PATIENCE)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0.01)
        assert not task.done()
        there.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        ended.append("task")
        assert context[variable] == "set in the thread"

    asyncio.run(test())
    assert ended == ["call", "task"]


def test_task_that_is_cancelled_again_and_again_waits_for_its_thread_with_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """As anyio does it in a scope that is cancelled: in each iteration of the loop."""
    here, there = threading.Event(), threading.Event()
    timers = []

    def work() -> None:
        here.set()
        there.wait(PATIENCE)

    async def test() -> None:
        task = asyncio.create_task(OwnThread(asyncio.Semaphore(1), Context()).run(work))
        await asyncio.to_thread(here.wait, PATIENCE)
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "call_later", lambda *arguments, **_: timers.append(arguments))
        for _ in range(20):
            task.cancel()
            await asyncio.sleep(0)
        there.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(test())
    assert len(timers) == 1


def test_exit_in_a_thread_is_the_callers() -> None:
    def leave() -> None:
        raise SystemExit("reason")

    async def test() -> None:
        free = asyncio.Semaphore(1)
        for _ in range(3):
            with pytest.raises(SystemExit, match="reason"):
                await OwnThread(free, Context()).run(leave)

    asyncio.run(test())


def test_thread_that_nobody_needs_ends_and_one_that_a_request_has_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.02)
    monkeypatch.setattr(threads, "_idle", [])

    async def test() -> None:
        places = asyncio.Semaphore(2)
        kept, left = (OwnThread(places, Context()) for _ in range(2))
        first, other = [await one.run(threading.current_thread) for one in (kept, left)]
        left.let_go()
        await asyncio.to_thread(other.join, PATIENCE)
        await asyncio.sleep(0.1)
        assert not other.is_alive()
        assert await kept.run(threading.current_thread) is first
        assert await left.run(threading.current_thread) not in {first, other}

    asyncio.run(test())


def test_no_call_is_lost_to_a_thread_that_is_about_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.001)
    monkeypatch.setattr(threads, "_idle", [])

    async def test() -> None:
        one = OwnThread(asyncio.Semaphore(1), Context())
        seen = set()
        for number in range(400):
            seen.add(await asyncio.wait_for(one.run(threading.get_native_id), PATIENCE))
            one.let_go()
            await asyncio.sleep(0.0005 + number % 20 / 20_000)
        assert len(seen) > 1

    asyncio.run(test())


def request(served: ASGIApp, path: str, send: Send) -> "asyncio.Task[None]":
    """A request of a client that says nothing more."""

    async def receive() -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path, "headers": []}
    return asyncio.create_task(served(scope, receive, send))


async def end_request(app: AsyncFlask, begun: threading.Event) -> None:
    """As a server does that waits no longer: when it has begun, or its first chunk has been sent."""

    async def send(message: MutableMapping[str, Any]) -> None:
        if message.get("body"):
            begun.set()

    ended = request(asgi_app(app), "/", send)
    async with asyncio.timeout(PATIENCE):
        await asyncio.to_thread(begun.wait)
        ended.cancel()
        await asyncio.wait([ended])
    assert ended.cancelled()


def streaming_app(ended: list[tuple[str, bool]], go_on: threading.Event) -> AsyncFlask:
    """Of a plain view, whose stream waits after its first chunk; what of it has ended, and whether in its thread."""
    app = AsyncFlask("probe")

    @app.get("/")
    def view() -> Response:
        thread = threading.get_ident()

        def chunks() -> Iterator[str]:
            try:
                yield "first"
                go_on.wait(PATIENCE)
                yield "second"
            finally:
                ended.append(("chunks", threading.get_ident() == thread))

        response = Response(chunks())
        response.call_on_close(lambda: ended.append(("response", threading.get_ident() == thread)))
        return response

    return app


def test_stream_whose_thread_does_not_end_with_its_request_is_closed_there_when_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "ENDING_SECONDS", 0.01)
    monkeypatch.setattr(threads, "_idle", [])
    go_on = threading.Event()
    ended: list[tuple[str, bool]] = []
    app = streaming_app(ended, go_on)

    async def end() -> None:
        await end_request(app, threading.Event())
        assert not ended
        assert not threads._idle
        go_on.set()
        await asyncio.to_thread(wait_until, lambda: threads._idle, "the end of what was left")
        assert ended == [("chunks", True), ("response", True)]
        assert len(threads._idle) == 1
        await app.portal.release()

    asyncio.run(end())


class Busy(list[Any]):
    """Threads, which others have always just taken."""

    def pop(self, _index: object = None) -> Any:
        raise IndexError


@pytest.mark.usefixtures("no_collector")
def test_response_that_is_made_when_its_request_has_ended_is_closed_in_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by the collector, some time later."""
    monkeypatch.setattr(threads, "ENDING_SECONDS", 0.01)
    monkeypatch.setattr(threads, "_idle", Busy())
    app = AsyncFlask("probe")
    begun, go_on, closed = (threading.Event() for _ in range(3))
    used: list[int] = []

    def close() -> None:
        used.append(threading.get_ident())
        closed.set()

    @app.get("/")
    def view() -> Response:
        used.append(threading.get_ident())
        begun.set()
        go_on.wait(PATIENCE)
        response = Response(iter(["late"]))
        response.call_on_close(close)
        return response

    async def end() -> None:
        await end_request(app, begun)
        go_on.set()
        await asyncio.to_thread(closed.wait, PATIENCE)
        await app.portal.release()

    asyncio.run(end())
    assert used == [used[0]] * 2


def test_error_of_a_closing_that_somebody_keeps_keeps_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a log handler does that keeps the last records, with their tracebacks."""
    monkeypatch.setattr(threads, "_idle", [])
    app = AsyncFlask("probe")

    @app.get("/")
    def view() -> Response:
        response = Response(iter(["whole"]))
        response.call_on_close(lambda: [][0])
        return response

    async def ask() -> list[BaseException]:
        async def unused(_message: object = None) -> Any:
            await asyncio.sleep(0)

        served = asgi_app(app)
        scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": "/", "headers": []}
        kept: list[BaseException] = []
        for _ in range(3):
            with pytest.raises(IndexError) as raised:
                await served(scope, unused, unused)
            kept.append(raised.value)
        assert len(threads._idle) == 1
        await app.portal.release()
        return kept

    asyncio.run(ask())


def test_stream_is_closed_in_its_thread_though_it_is_cancelled_while_it_waits_for_a_place_there() -> None:
    busy, go_on = threading.Event(), threading.Event()
    ended: list[tuple[str, bool]] = []
    app = streaming_app(ended, go_on)
    app.config["ONELOOP_THREADS"] = 1

    @app.get("/busy")
    def wait() -> str:
        busy.set()
        go_on.wait(PATIENCE)
        return ""

    async def end() -> None:
        sending = asyncio.Event()

        async def send(message: MutableMapping[str, Any]) -> None:
            if message.get("body") == b"first":
                sending.set()
                await asyncio.Event().wait()

        served = asgi_app(app)
        left = request(served, "/", send)
        await sending.wait()
        other = request(served, "/busy", send)
        await asyncio.to_thread(busy.wait, PATIENCE)
        for _ in range(2):
            left.cancel()
            await asyncio.sleep(0.01)
        assert left.cancelled()
        del left
        go_on.set()
        await other
        await asyncio.to_thread(wait_until, lambda: len(ended) == 2, "its end")
        await app.portal.release()

    asyncio.run(end())
    assert ended == [("chunks", True), ("response", True)]


def test_error_that_nobody_waits_for_is_logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_idle", [])

    async def leave() -> None:
        OwnThread(asyncio.Semaphore(1), Context()).start(lambda: [][0])
        await asyncio.to_thread(wait_until, lambda: threads._idle, "its end")

    asyncio.run(leave())
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [IndexError]
