"""An app of plain and of async views, which tell where they and their hooks run, and do what would block a loop for ever."""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import ContextVar
from functools import wraps
from typing import Any

import anyio
import jinja2
from asgiref.sync import async_to_sync
from flask import Response, current_app, g, request, session, stream_with_context
from flask.typing import ResponseReturnValue
from flask.views import MethodView, View
from flask_login import LoginManager, login_required
from sqlalchemy import QueuePool, create_engine, text
from sqlalchemy.orm import scoped_session, sessionmaker

from flask_oneloop import AsyncFlask, asgi_app, on_loop, stream
from tests.library.answers import PATIENCE

app = AsyncFlask(__name__)
app.secret_key = "tests"
app.config.update(ONELOOP_THREADS=6, LOGIN_DISABLED=True)
LoginManager(app)
asgi = asgi_app(app)

trail: ContextVar[str] = ContextVar("trail", default="")
seen: list[tuple[str, int, bool, str]] = []
"""Where, in which thread, whether on a loop, and the trail there; of the last request whose path begins with /where."""
counters: dict[str, int] = {}


def note(name: str) -> str:
    """Note where this is; the trail grows."""
    on_a_loop = asyncio._get_running_loop() is not None
    trail.set(f"{trail.get()} {name}")
    if request.path.startswith("/where"):
        seen.append((name, threading.get_ident(), on_a_loop, trail.get()))
    return "loop" if on_a_loop else "thread"


@app.get("/")
def root() -> str:
    return "served"


@app.before_request
def before() -> None:
    if request.path.startswith("/where"):
        seen.clear()
    g.value = request.args.get("q")
    note("before")


@app.before_request
async def async_before() -> None:
    await asyncio.sleep(0)
    note("async before")


@app.after_request
def after(response: Response) -> Response:
    note("after")
    return response


@app.teardown_request
def tear_down(_: BaseException | None) -> None:
    note("teardown")


@app.errorhandler(ArithmeticError)
def failed(_: ArithmeticError) -> ResponseReturnValue:
    return note("handler"), 400


@app.get("/seen")
@on_loop
def tell_seen() -> list[tuple[str, int, bool, str]]:
    return seen


@app.get("/counters")
async def tell_counters() -> dict[str, int]:
    return counters


# Views of every kind


def wrapped(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return current_app.ensure_sync(view)(*args, **kwargs)

    return wrapper


@app.get("/where/plain")
def plain() -> str:
    session["seen"] = g.value
    if "fail" in request.args:
        raise ArithmeticError
    return note("view")


@app.get("/where/async")
async def of_async() -> str:
    return note("view")


def run(view: Callable[..., Any]) -> Callable[..., Any]:
    """The loop of its own sees the request, as a copy."""

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return asyncio.run(view(*args, **kwargs))

    return wrapper


app.add_url_rule("/where/async/run", "run", run(of_async))
app.add_url_rule("/where/async/wrapped", "async wrapped", wrapped(of_async))
app.add_url_rule("/where/async/login", "async login", login_required(of_async))
app.add_url_rule("/where/plain/login", "plain login", login_required(plain))
app.add_url_rule("/where/on-loop", "on loop", wrapped(on_loop(lambda: note("view"))))


class Methods(MethodView):
    def get(self) -> str:
        return note("view")

    async def post(self) -> str:
        return note("view")

    @on_loop
    def put(self) -> str:
        return note("view")


class Single(View):
    async def dispatch_request(self) -> str:  # type: ignore[override]
        return note("view")


app.add_url_rule("/where/methods", view_func=Methods.as_view("methods"))
app.add_url_rule("/where/single", view_func=Single.as_view("single"))


# What waits


meetings: dict[int, threading.Barrier] = {}


@app.get("/meet/<int:size>")
def meet(size: int) -> str:
    """Blocks until so many requests are here at once."""
    counters["met"] = counters.get("met", 0) + 1
    meetings.setdefault(size, threading.Barrier(size)).wait(PATIENCE)
    return "met"


arrived: list[int] = []
let_go = threading.Event()


@app.get("/queue/<int:number>")
def wait_in_turn(number: int) -> str:
    arrived.append(number)
    let_go.wait(PATIENCE)
    return "gone"


@app.get("/queue")
async def tell_arrived() -> list[int]:
    return arrived


@app.post("/queue")
async def open_queue() -> str:
    let_go.set()
    return "open"


async def sleep_on_loop(result: str) -> str:
    await asyncio.sleep(0.01)
    return f"{result} {id(asyncio.get_running_loop())}"


@app.get("/loop")
async def the_loop() -> str:
    return await sleep_on_loop("on")


lock = threading.Lock()
handed: queue.Queue[str] = queue.Queue()


def hold_a_lock() -> str:
    with lock:
        return str(app.ensure_sync(sleep_on_loop)("on"))


def wait_for_a_thread() -> str:
    with ThreadPoolExecutor(1) as pool:
        return str(pool.submit(app.ensure_sync(sleep_on_loop), "on").result(PATIENCE))


def wait_for_a_queue() -> str:
    async def hand() -> None:
        await asyncio.sleep(0.01)
        handed.put("handed")

    async def start() -> None:
        app.extensions["handing"] = asyncio.create_task(hand())

    app.ensure_sync(start)()
    return handed.get(timeout=PATIENCE)


async def nothing() -> str:
    await asyncio.sleep(0)
    return "run"


def run_until_complete() -> str:
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(nothing())
    finally:
        loop.close()


def render_async() -> str:
    return jinja2.Environment(enable_async=True).from_string("{{ word() }}").render(word=nothing)


BLOCKING: dict[str, Callable[[], str]] = {
    "lock": hold_a_lock,
    "future": wait_for_a_thread,
    "queue": wait_for_a_queue,
    "asyncio.run": lambda: asyncio.run(nothing()),
    "run_until_complete": run_until_complete,
    "async_to_sync": lambda: async_to_sync(nothing)(),
    "anyio.run": lambda: anyio.run(nothing),
    "jinja": render_async,
}


@app.get("/block/<name>")
def block(name: str) -> str:
    return BLOCKING[name]()


# Streams


@app.get("/where/stream")
def stream_plain() -> Response:
    def chunks() -> Iterator[str]:
        yield note("first") + "\n"
        yield note("second") + "\n"

    return Response(stream_with_context(chunks()))


@app.get("/where/stream/async")
def stream_async() -> Response:
    async def chunks() -> AsyncGenerator[str, None]:
        for _ in range(2):
            await asyncio.sleep(0)
            yield note("chunk") + "\n"

    return Response(stream_with_context(stream(chunks())))


@app.get("/bound")
def bound() -> Response:
    """A connection that may be used only in the thread that has made it."""

    def rows() -> Iterator[str]:
        with closing(sqlite3.connect(":memory:")) as connection:
            for number in range(10):
                time.sleep(0.001)
                yield str(connection.execute(f"SELECT {number}").fetchone()[0])

    return Response(rows())


@app.get("/flood")
def flood() -> Response:
    return Response(b"x" * 65536 for _ in range(1024))


@app.get("/stuck")
def stuck() -> str:
    counters["stuck"] = 1
    threading.Event().wait()
    return ""


@app.get("/drip")
def drip() -> Response:
    """Endless and blocking; counts how it ends."""

    def chunks() -> Iterator[str]:
        try:
            while True:
                time.sleep(0.01)
                yield "x" * 1000
        finally:
            counters["drips ended"] = counters.get("drips ended", 0) + 1

    return Response(chunks())


@app.get("/close")
def close() -> Response:
    """Something is left to be done when the response is sent, which blocks."""
    response = Response("sent")

    def work() -> None:
        let_go.wait(PATIENCE)
        counters["closed in a thread"] = counters.get("closed in a thread", 0) + (asyncio._get_running_loop() is None)

    response.call_on_close(work)
    return response


# A session for each thread, as in Flask's documentation

engine = create_engine("sqlite://", poolclass=QueuePool, connect_args={"check_same_thread": False})
threads_session = scoped_session(sessionmaker(engine))


@app.teardown_appcontext
def remove(_: BaseException | None) -> None:
    threads_session.remove()


@app.get("/scoped")
def scoped() -> str:
    return str(threads_session.scalar(text("SELECT 42")))


@app.get("/scoped/open")
async def still_open() -> str:
    return str(engine.pool.checkedout())  # type: ignore[attr-defined]
