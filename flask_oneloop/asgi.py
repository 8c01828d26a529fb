"""Flask as a native ASGI application: each request runs in a greenlet on the server's own event loop.

WSGI code is synchronous, so it runs in a greenlet of :class:`Greenlets`, and wherever it has to wait (an async view, a
session, a chunk of the response) it switches out to the server's task, which awaits. A plain ``def`` view's request goes on in a
worker thread from there. What blocks on the loop without awaiting (``time.sleep``, a synchronous driver) stops every one there.
"""

import asyncio
import io
from typing import IO, Any

from .answer import Answer, refuse
from .context import request_context, within
from .environ import Receive, Scope, Send, build_environ, may_have_body, read_body
from .flask import AsyncFlask
from .greenlets import Greenlets
from .portal import close_all
from .turns import Turns
from .watch import Watch


def asgi_app(app: AsyncFlask) -> "ASGIApp":
    """The ASGI 3 application that serves the Flask app natively."""
    return ASGIApp(app)


class ASGIApp:
    """An ASGI 3 application: HTTP and lifespan; WebSockets are closed."""

    def __init__(self, app: AsyncFlask) -> None:
        self.app = app
        self.loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        else:
            raise ValueError(f"ASGI scope type {scope['type']!r} is not supported")

    async def lifespan(self, receive: Receive, send: Send) -> None:
        """Take the server's loop on startup, close what was made on it at shutdown."""
        await receive()
        try:
            await self.app.portal.adopt()
        except Exception as error:  # noqa: BLE001 - the server has to be told
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await close_all(asyncio.get_running_loop())
        await send({"type": "lifespan.shutdown.complete"})

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, in one greenlet of the server's task; cancelled when its client disconnects."""
        loop = asyncio.get_running_loop()
        if loop is not self.loop or not self.app.portal.adopted(loop):
            await self._begin_on(loop)
        if self.running >= self.most:
            await refuse(send, 503, "The server has too many requests.")
            return
        self.running += 1
        context = request_context(self.app)
        answer = Answer(self.app, context, self.places, receive, send)
        body: IO[bytes] = io.BytesIO()
        try:
            environ = build_environ(scope)
            if may_have_body(scope, environ):
                if (whole := await self._read(environ, receive, send)) is None:
                    return
                body = whole
            environ["wsgi.input"] = body
            self.watch.add(answer)
            if not self.turns.take():
                await self.turns.wait()
            await within(context, self.greenlets.run(answer.begin, answer.respond, self.app, environ))
        except asyncio.CancelledError:
            if not answer.given_up or (answer.task is not None and answer.task.cancelling() > 1):
                raise  # the server itself ends the request
        except (SystemExit, KeyboardInterrupt) as error:
            # In a task these would stop the server's loop, and every other request with it.
            raise RuntimeError(f"the application raised {type(error).__name__}") from error
        finally:
            self.running -= 1
            self.watch.discard(answer)
            body.close()

    async def _read(self, environ: dict[str, Any], receive: Receive, send: Send) -> IO[bytes] | None:
        """The body; None if the client left while it sent it, sent for too long, or too much."""
        limit = self.app.config["MAX_CONTENT_LENGTH"]
        try:
            async with asyncio.timeout(self.watch.seconds):
                body = await read_body(environ, receive, limit or self.largest)
        except TimeoutError:
            await refuse(send, 408, "The request took too long.")
            return None
        length = environ.get("CONTENT_LENGTH", "")
        if body is not None and not limit and length.isdecimal() and int(length) > self.largest:
            body.close()
            await refuse(send, 413, "The request is too large.")
            return None
        return body

    async def _begin_on(self, loop: asyncio.AbstractEventLoop) -> None:
        await self.app.portal.adopt()  # if a server without lifespan runs it
        if loop is not self.loop:
            self.loop, self.turns, self.watch = loop, Turns(loop), Watch(loop, self.app)
            self.greenlets = Greenlets()
            self.places = asyncio.Semaphore(self.app.config["ONELOOP_THREADS"])
            self.running = 0
            self.most: int = self.app.config["ONELOOP_REQUESTS"]
            self.largest: int = self.app.config["ONELOOP_BODY_BYTES"]
