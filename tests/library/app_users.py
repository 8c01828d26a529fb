"""An app of many users. At every point of a request it looks whose it finds there; what is not its own goes into `wrong`.

A user is who the session says; `g.user` keeps that as Flask-Login does, and `trail` is a context variable of the app's own.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextvars import ContextVar
from functools import partial

from flask import Response, abort, g, has_app_context, has_request_context, request, session, stream_with_context
from flask.typing import ResponseReturnValue

from flask_oneloop import AsyncFlask, stream

NOBODY = "nobody"

app = AsyncFlask(__name__)
app.secret_key = "tests"

trail: ContextVar[str | None] = ContextVar("trail", default=None)
"""Set on the way through a request; `g.trail` is what it should be."""
outer: ContextVar[str | None] = ContextVar("outer", default=None)
"""What `app_watched` sets before it calls the app."""
wrong: list[str] = []
"""What was not as it should be, in this process."""


class ProvokedError(Exception):
    """What the tests make it raise."""


def cookie(user: str) -> str:
    """The session cookie of somebody who has logged in."""
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return f"session={serializer.dumps({'user': user})}"


def leave_trail(place: str) -> None:
    g.trail = f"{request.headers.get('X-User')} {place}"
    trail.set(g.trail)


def whose(place: str) -> str:
    """Whose request this is, if everything agrees."""
    found = (request.headers.get("X-User"), session.get("user"), g.user)
    if len({*found}) > 1 or trail.get() != g.get("trail"):
        wrong.append(f"{place} of {request.full_path}: header, session, g {found}, trail {trail.get()!r} for {g.get('trail')!r}")
        return "?"
    return str(found[0] or NOBODY)


def fail_at(place: str) -> None:
    if request.args.get("fail") == place:
        raise ProvokedError(place)


@app.before_request
def begin() -> None:
    g_before, trail_before = sorted(g), trail.get()
    if g_before or trail_before is not None:
        wrong.append(f"beginning of {request.full_path}: g {g_before}, trail {trail_before!r}")
    if "watched" in request.args and outer.get() != f"{request.headers.get('X-User')} {request.path}":
        wrong.append(f"beginning of {request.full_path}: {outer.get()!r} of the middleware")
    if "user" not in g:
        g.user = session.get("user")
    trail.set(None)
    if g.user is not None:
        leave_trail("begun")


@app.after_request
def after(response: Response) -> Response:
    whose("after_request")
    fail_at("after")
    return response


@app.teardown_request
def tear_down(_: BaseException | None) -> None:
    if "user" in g:
        whose("teardown")
        fail_at("teardown")


@app.get("/")
def root() -> str:
    return "served"


@app.get("/wrong")
async def tell() -> list[str]:
    """What has been wrong since the last time, when all tasks of the views have ended."""
    await asyncio.gather(*tasks)
    told = [*wrong]
    wrong.clear()
    return told


@app.get("/private")
def private() -> ResponseReturnValue:
    """For those who have logged in only."""
    if g.user is None:
        return NOBODY, 401
    return whose("view")


# Every way to answer, by query:
#   chunks: sizes of the body's parts, in bytes; they are made of the user's name
#   body:   whole (the default), or streamed: sync, async, bare (async, without the request's context)
#   length: the Content-Length that a stream has
#   fail:   where to raise: view, after, teardown, chunk0, chunk1 ..., end, close; or forget: a context stays pushed
#   status, pause (seconds), spawn (a task that outlives the request)


@app.route("/sync", methods=["GET", "POST"])
def sync_view() -> Response:
    check_upload()
    leave_trail("sync view")
    fail_at("view")
    return respond()


@app.route("/async", methods=["GET", "POST"])
async def async_view() -> Response:
    check_upload()
    leave_trail("async view")
    await asyncio.sleep(request.args.get("pause", 0.0, float))
    fail_at("view")
    if "spawn" in request.args:
        task = asyncio.create_task(outlive(g.trail))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    return respond()


def check_upload() -> None:
    name = whose("view")
    data = request.get_data()
    if data != part(name, len(data)):
        abort(400)


tasks: set[asyncio.Task[None]] = set()


async def outlive(expected: str) -> None:
    for _ in range(2):
        await asyncio.sleep(0.02)
        if trail.get() != expected or session.get("user") != g.user or session.get("user") != request.headers.get("X-User"):
            wrong.append(f"task of {expected!r}: trail {trail.get()!r}, session {session.get('user')!r}, g {g.user!r}")
        trail.set(expected := f"task of {expected}")


def part(name: str, size: int) -> bytes:
    """So many bytes of the name, over and over."""
    return (name * (size // len(name) + 1)).encode()[:size]


def sizes() -> list[int]:
    return [int(size) for size in request.args.get("chunks", "6").split(",") if size]


def chunks() -> Iterator[bytes]:
    for number, size in enumerate(sizes()):
        fail_at(f"chunk{number}")
        yield part(whose("stream"), size)
    fail_at("end")


async def async_chunks() -> AsyncGenerator[bytes, None]:
    for number, size in enumerate(sizes()):
        await asyncio.sleep(0)
        fail_at(f"chunk{number}")
        yield part(whose("async stream"), size)
    await asyncio.sleep(0)
    fail_at("end")


async def bare_chunks(name: str, expected: str, sizes: list[int]) -> AsyncGenerator[bytes, None]:
    for size in sizes:
        await asyncio.sleep(0)
        if has_request_context() or trail.get() != expected:
            wrong.append(f"stream of {expected!r} without its context: trail {trail.get()!r}, {has_request_context()}")
        yield part(name, size)


BODIES: dict[str, Callable[[], bytes | Iterator[bytes]]] = {
    "whole": lambda: b"".join(chunks()),
    "sync": lambda: stream_with_context(chunks()),
    "async": lambda: stream_with_context(stream(async_chunks())),
    "bare": lambda: stream(bare_chunks(whose("view"), g.trail, sizes())),
}


def respond() -> Response:
    response = Response(BODIES[request.args.get("body", "whole")](), request.args.get("status", 200, int))
    if "length" in request.args:
        response.headers["Content-Length"] = request.args["length"]
    response.call_on_close(partial(close, g.trail, request.args.get("fail")))
    return response


def close(expected: str, fail: str | None) -> None:
    if has_app_context() or trail.get() != expected:
        wrong.append(f"close of {expected!r}: trail {trail.get()!r}, context {has_app_context()}")
    if fail == "close":
        raise ProvokedError
    if fail == "forget":
        app.app_context().push()
        g.user = "forgotten"
