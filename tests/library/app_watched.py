"""The app of many users behind a middleware, which does as the query of the request says.

watched: it sets a context variable for the app, and looks at what of the app reaches the server.
forgetful: it pushes an application context, puts somebody into it, and leaves it there; forgetful=request: a request context.
"""

import asyncio

from flask import g, has_app_context, has_request_context

from flask_oneloop import asgi_app
from flask_oneloop.environ import Message, Receive, Scope, Send
from tests.library.app_users import app, outer, trail, wrong
from tests.library.contexts import CONTEXTS_ARE_ONE

served = asgi_app(app)


def leave_context(of_request: bool) -> None:
    app_context = app.app_context()
    app_context.push()
    g.user = "forgotten"
    if of_request:
        app.test_request_context("/forgotten").push()
        g.user = "forgotten"
        if not CONTEXTS_ARE_ONE:
            app_context.pop()


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    query = scope.get("query_string", b"")
    if b"forgetful" in query:
        leave_context(b"forgetful=request" in query)
    if b"watched" not in query:
        await served(scope, receive, send)
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
        await served(scope, watched_receive, watched_send)
    finally:
        look("the end of the app")
