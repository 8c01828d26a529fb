"""The app that the servers of these tests serve: views that wait, write, fail, stream and tell what they see.

``PROBE_URL`` names its PostgreSQL database.
"""

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from flask import (
    Response,
    abort,
    current_app,
    g,
    got_request_exception,
    render_template_string,
    request,
    session,
    stream_with_context,
)
from flask.typing import ResponseReturnValue
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge

from flask_oneloop import AdvancedAlchemy, AsyncFlask, asgi_app, on_loop, stream
from tests.library.answers import PATIENCE
from tests.library.databases import Owner, Pet, config, core, engines, extension, main

app = AsyncFlask(__name__)
app.secret_key = "tests"
app.config["MAX_CONTENT_LENGTH"] = 5_000_000
app.url_map.merge_slashes = False
AdvancedAlchemy(config(os.environ["PROBE_URL"], "main", pool_size=4), app)
asgi = asgi_app(app)


class ProvokedError(Exception):
    """What the tests make it raise."""


counters: dict[str, int] = {}
"""What has happened in this process, by name."""


def count(name: str) -> None:
    counters[name] = counters.get(name, 0) + 1


@app.get("/")
def root() -> str:
    return "served"


@app.get("/state")
async def state() -> dict[str, Any]:
    """The process, its connections, its tasks, its loops of the runtime, and the counters."""
    (engine,) = engines(app)
    files = [getattr(getattr(task.get_coro(), "cr_code", None), "co_filename", "") for task in asyncio.all_tasks()]
    return {
        "pid": os.getpid(),
        "checked_out": engine.pool.checkedout(),  # type: ignore[attr-defined]
        "tasks": sum("hypercorn" not in file for file in files),  # it keeps some for each connection until a timeout
        "loops": sum(thread.name == "event-loop" for thread in threading.enumerate()),
        **counters,
    }


# Load: each of these takes a connection, and all have answers that are known beforehand.


@app.get("/load/read")
async def load_read() -> str:
    return str(await main(app, read_only=True).scalar(text("SELECT 1")))


@app.post("/load/write/<name>")
async def load_write(name: str) -> ResponseReturnValue:
    main(app).add(Owner(name=name))
    return "written", 201


@app.get("/load/gather")
async def load_gather() -> str:
    async def one(number: int) -> int:
        async with extension(app).new_session("main") as db:
            return int(await db.scalar(text(f"SELECT {number}")) or 0)

    return str(sum(await asyncio.gather(one(1), one(2))))


@app.post("/load/conflict")
async def load_conflict() -> str:
    """Fails when it is committed."""
    main(app).add(Pet(owner_id=-1))
    await main(app).flush()
    return "not reached by the client"


@app.post("/load/crash")
async def load_crash() -> str:
    main(app).add(Owner(name="crash"))
    await main(app).flush()
    raise ProvokedError


@app.get("/load/stream")
async def load_stream() -> Response:
    async def numbers() -> AsyncGenerator[str, None]:
        for number in range(3):
            yield str(await main(app).scalar(text(f"SELECT {number}")))

    return Response(stream_with_context(stream(numbers())))


@app.get("/load/hooks")
def load_hooks() -> str:
    return str(g.hooked)


@app.before_request
async def look_something_up() -> None:
    if request.path == "/load/hooks":
        g.hooked = await main(app, read_only=True).scalar(text("SELECT 'hooked'"))


@app.errorhandler(IntegrityError)
async def conflict(_: IntegrityError) -> ResponseReturnValue:
    await main(app, read_only=True).execute(text("SELECT 1"))
    return "conflict", 409


# Waiting


@app.get("/backend")
async def backend() -> str:
    return str(await main(app).scalar(text("SELECT pg_backend_pid()")))


meetings: dict[int, asyncio.Barrier] = {}


@app.get("/meet/<int:size>")
async def meet(size: int) -> str:
    """Answers when so many requests are here at once."""
    return str(await meetings.setdefault(size, asyncio.Barrier(size)).wait())


@app.get("/pid")
def pid() -> str:
    return str(os.getpid())


@app.get("/pid/<float:seconds>")
async def pid_after(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return str(os.getpid())


@app.get("/hang")
async def hang() -> str:
    """A query that does not end, in a transaction, on a session that has written."""
    main(app).add(Owner(name=request.args["name"]))
    await main(app).flush()
    count("hanging")
    try:
        await main(app).execute(text("SELECT pg_sleep(3600)"))
    finally:
        count("hang ended")
    return "never"


@app.get("/hang/commit")
async def hang_in_commit() -> str:
    """The deferred trigger of `tests.library.conftest.SLOW_COMMIT` makes the commit take a while."""
    await main(app).execute(text("INSERT INTO slow (name) VALUES (:name)"), {"name": request.args["name"]})
    count("committing")
    return "committed"


@app.get("/hang/sync")
@on_loop
def hang_in_sync_view() -> str:
    with Session(core(extension(app).config[0])) as db:
        count("hanging")
        try:
            db.execute(text("SELECT pg_sleep(3600)"))
        finally:
            count("hang ended")
    return "never"


@app.teardown_request
async def tear_down(_: BaseException | None) -> None:
    if request.path.startswith("/hang"):
        await asyncio.sleep(0)
        count("torn down")


@app.get("/after")
def after() -> Response:
    """What is left to be done when the last byte has been sent."""
    response = Response("answered")

    async def clean_up() -> None:
        try:
            await asyncio.sleep(0.3)
        except asyncio.CancelledError:
            count("cleaning cancelled")
            raise
        count("cleaned up")

    response.call_on_close(lambda: app.portal.call(clean_up))
    return response


# Where it runs

where: list[tuple[str, int, int]] = []


def note(name: str) -> None:
    where.append((name, id(asyncio.get_running_loop()), id(asyncio.current_task())))


@app.get("/where")
async def where_view() -> ResponseReturnValue:
    note("view")
    if "fail" in request.args:
        raise ArithmeticError
    if "crash" in request.args:
        raise ProvokedError
    return "seen"


@app.get("/where/seen")
def where_seen() -> list[tuple[str, int, int]]:
    seen = [*where]
    where.clear()
    return seen


def of_where() -> bool:
    return request.path == "/where"


@app.before_request
async def where_before() -> None:
    if of_where():
        g.where = True
        note("before_request")


@app.after_request
async def where_after(response: Response) -> Response:
    if of_where():
        note("after_request")
    return response


@app.teardown_request
async def where_teardown(_: BaseException | None) -> None:
    if of_where():
        note("teardown_request")


@app.teardown_appcontext
async def where_appcontext(_: BaseException | None) -> None:
    if "where" in g:
        note("teardown_appcontext")


@app.errorhandler(ArithmeticError)
async def where_error(_: ArithmeticError) -> ResponseReturnValue:
    if of_where():
        note("errorhandler")
    return "handled", 500


async def where_signal(_: object, **__: Any) -> None:
    if of_where():
        note("signal")


got_request_exception.connect(where_signal, app)


@app.get("/context")
async def context() -> dict[str, list[str]]:
    """What gathered coroutines see of the request."""
    g.value, session["key"] = "g", "session"

    async def look(number: int) -> str:
        await asyncio.sleep(0)
        return f"{number} {request.args['q']} {g.value} {session['key']} {current_app.name}"

    return {"seen": list(await asyncio.gather(*(look(number) for number in range(3))))}


# Streams

gates: dict[str, asyncio.Event] = {}


@app.get("/stream/<gate>")
async def gated(gate: str) -> Response:
    """The second chunk is made when the gate has been opened."""
    gates[gate] = asyncio.Event()

    async def chunks() -> AsyncGenerator[str, None]:
        yield "first\n"
        await gates[gate].wait()
        yield "second\n"

    return Response(stream(chunks()))


@app.post("/open/<gate>")
async def open_gate(gate: str) -> str:
    gates[gate].set()
    return "open"


CHUNK = b"x" * 65536


@app.get("/flood/<int:chunks>")
async def flood(chunks: int) -> Response:
    """Chunks of 64 KiB, counted as they are made, from a generator that holds a session."""

    async def source() -> AsyncGenerator[bytes, None]:
        counters["flooded"] = 0
        try:
            await main(app).execute(text("SELECT 1"))
            for _ in range(chunks):
                yield CHUNK
                count("flooded")
        finally:
            try:
                await asyncio.sleep(0)
            finally:  # the server may end its request itself meanwhile
                count("flood ended")

    return Response(stream_with_context(stream(source())))


@app.get("/drip")
async def drip() -> Response:
    """An endless stream of a session, a chunk at a time."""

    async def source() -> AsyncGenerator[str, None]:
        count("dripping")
        try:
            while True:
                yield f"{await main(app).scalar(text('SELECT 1'))}\n"
                await asyncio.sleep(0.01)
        finally:
            count("drip ended")

    return Response(stream_with_context(stream(source())))


# Requests and responses as they are


@app.post("/echo")
async def echo() -> Response:
    return Response(request.get_data(), content_type=request.content_type)


@app.post("/echo/raised")
async def echo_above_the_limit() -> ResponseReturnValue:
    request.max_content_length = 10_000_000
    return str(len(request.get_data()))


@app.errorhandler(RequestEntityTooLarge)
def too_large(_: RequestEntityTooLarge) -> ResponseReturnValue:
    return "too large", 413


@app.route("/environ/", defaults={"rest": ""})
@app.route("/environ/<path:rest>", methods=["GET", "POST", "DELETE"])
def environ(rest: str) -> dict[str, str]:
    return {"rest": rest, **{key: value for key, value in request.environ.items() if isinstance(value, str)}}


@app.get("/headers")
def headers() -> Response:
    response = Response("sent", headers=[("X-Twice", "1"), ("X-Twice", "2"), ("X-Latin", "caf\xe9")])
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")
    return response


@app.route("/empty/<int:status>")
def empty(status: int) -> ResponseReturnValue:
    return "", status


@app.get("/cookies")
def cookies() -> dict[str, str]:
    return dict(request.cookies)


# Failures


@app.get("/fail/<where>")
async def fail(where: str) -> ResponseReturnValue:
    async def chunks() -> AsyncGenerator[str, None]:
        if where == "first":
            raise ProvokedError
        yield "begun\n"
        raise ProvokedError

    if where == "view":
        raise ProvokedError
    if where == "abort":
        abort(418)
    return Response(stream(chunks()))


@app.get("/exit/<kind>")
async def leave(kind: str) -> str:
    raise {"system": SystemExit, "keyboard": KeyboardInterrupt}[kind]("of a view")


@app.get("/exit/sync")
def leave_sync() -> str:
    raise SystemExit("of a sync view")


# Synchronous views on asynchronous connections, which wait under ASGI


@app.get("/sync/session")
@on_loop
def sync_session() -> str:
    with Session(core(extension(app).config[0])) as db:
        return str(db.scalar(text("SELECT 42")))


@app.get("/sync/meet/<int:size>")
@on_loop
def sync_meet(size: int) -> str:
    """Answers when so many synchronous views are here at once."""
    with Session(core(extension(app).config[0])) as db:
        count("sync views")
        deadline = time.monotonic() + PATIENCE
        while counters["sync views"] < size:
            if time.monotonic() > deadline:
                return "alone"
            db.execute(text("SELECT pg_sleep(0.01)"))
    return "met"


@app.get("/sync/lazy")
@on_loop
def lazy() -> str:
    """A template that loads what the view did not."""
    with Session(core(extension(app).config[0])) as db:
        owner = db.scalars(select(Owner).where(Owner.name == request.args["name"])).one()
        return render_template_string("{{ owner.name }}: {{ owner.pets | length }}", owner=owner)


@app.get("/sync/iterate")
@on_loop
def iterate() -> Response:
    """A synchronous generator that waits."""

    def rows() -> Iterator[str]:
        with Session(core(extension(app).config[0])) as db:
            yield from (f"{row}\n" for row in db.scalars(text("SELECT generate_series(1, 3)")))

    return Response(rows())
