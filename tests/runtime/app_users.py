"""An app of many users. At every point of a request it looks whose it finds there; what is not the request's own goes into `wrong`.

A user is who the session says; `g.user` keeps that as Flask-Login does, and `trail` is a context variable of the app's own.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextvars import ContextVar

from flask import Response, abort, g, has_app_context, has_request_context, request, session, stream_with_context
from flask.typing import ResponseReturnValue

from app_async.runtime import AsyncFlask, asgi_app, stream
from app_async.runtime.environ import Message, Receive, Scope, Send

NOBODY = "nobody"

app = AsyncFlask(__name__)
app.secret_key = "tests"
asgi = asgi_app(app)

trail: ContextVar[str | None] = ContextVar("trail", default=None)
"""Set on the way through a request; `g.trail` is what it should be."""
outer: ContextVar[str | None] = ContextVar("outer", default=None)
"""What `middleware` sets before it calls the app."""
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
    # A thread of a WSGI server keeps its context variables: there they are nobody's but the thread's.
    if g_before or (trail_before is not None and app.portal.on_loop()):
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
#   fail:   where to raise: view, after, teardown, chunk0, chunk1 ..., end, close; or to forget a context that was pushed
#   status, pause (seconds), spawn (a task that outlives the request)


@app.route("/sync", methods=["GET", "POST"])
def sync_view() -> Response:
    check_upload()
    leave_trail("sync view")
    fail_at("view")
    if request.args.get("fail") == "forget":
        app.app_context().push()
        g.user = session.get("user")
        leave_trail("forgotten")
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


def respond() -> Response:
    name, expected = whose("view"), g.trail
    sizes = [int(size) for size in request.args.get("chunks", "6").split(",") if size]

    def chunks() -> Iterator[bytes]:
        for number, size in enumerate(sizes):
            fail_at(f"chunk{number}")
            yield part(whose("stream"), size)
        fail_at("end")

    async def async_chunks() -> AsyncGenerator[bytes, None]:
        for number, size in enumerate(sizes):
            await asyncio.sleep(0)
            fail_at(f"chunk{number}")
            yield part(whose("async stream"), size)
        await asyncio.sleep(0)
        fail_at("end")

    async def bare_chunks() -> AsyncGenerator[bytes, None]:
        for size in sizes:
            await asyncio.sleep(0)
            if has_request_context() or trail.get() != expected:
                wrong.append(f"stream of {expected!r} without its context: trail {trail.get()!r}, {has_request_context()}")
            yield part(name, size)

    match request.args.get("body", "whole"):
        case "whole":
            response = Response(b"".join(chunks()))
        case "sync":
            response = Response(stream_with_context(chunks()))
        case "async":
            response = Response(stream_with_context(stream(async_chunks())))
        case _:
            response = Response(stream(bare_chunks()))
    response.status_code = request.args.get("status", 200, int)
    if "length" in request.args:
        response.headers["Content-Length"] = request.args["length"]
    closing_fails = request.args.get("fail") == "close"

    def close() -> None:
        if has_app_context() or trail.get() != expected:
            wrong.append(f"close of {expected!r}: trail {trail.get()!r}, context {has_app_context()}")
        if closing_fails:
            raise ProvokedError

    response.call_on_close(close)
    return response


# Around the app


async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
    """As the query says: watched, it sets a context variable for the app and looks at what of the app reaches the server;
    forgetful, it pushes an application context, puts somebody into it, and leaves it there."""
    query = scope.get("query_string", b"")
    if b"forgetful" in query:
        app.app_context().push()
        g.user = "forgotten"
    if b"watched" not in query:
        await asgi(scope, receive, send)
        return
    user = dict(scope["headers"]).get(b"x-user")
    mark = f"{user and user.decode()} {scope['path']}"
    outer.set(mark)
    looking: list[asyncio.Task[None]] = []

    def look(place: str) -> None:
        if has_app_context() or has_request_context() or trail.get() is not None or outer.get() != mark:
            wrong.append(f"{place} of {mark!r}: context {has_app_context()}, trail {trail.get()!r}, outer {outer.get()!r}")

    async def look_in_task() -> None:
        look("a task that the server starts")

    def look_from_server(place: str) -> None:
        look(place)
        asyncio.get_running_loop().call_soon(look, f"a callback that the server registers in {place}")
        looking.append(asyncio.create_task(look_in_task()))

    async def watched_receive() -> Message:
        look_from_server("receive")
        message = await receive()
        look_from_server("the end of receive")
        return message

    async def watched_send(message: Message) -> None:
        look_from_server(f"send of {message['type']}")
        await send(message)
        look_from_server(f"the end of send of {message['type']}")

    try:
        await asgi(scope, watched_receive, watched_send)
    finally:
        look("the end of the app")
