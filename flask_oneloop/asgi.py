"""Flask as a native ASGI application: each request runs in a greenlet on the server's own event loop.

WSGI code is synchronous, so it runs inside :func:`sqlalchemy.util.greenlet_spawn`, and wherever it has to wait (an async view, a
session, a chunk of the response) it switches out to the server's task, which awaits. No thread is involved. What blocks without
awaiting (``time.sleep``, a synchronous driver) stops every request of the process.

The application runs in a context of its own, and the server's ``receive`` and ``send`` in the one in which it called: a server
starts the next request of a connection, or registers its reader, while it sends, and both copy the context they are started in.
"""

import asyncio
import io
from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from functools import lru_cache
from typing import IO, Any

from sqlalchemy.util import greenlet_spawn

from .call import await_
from .context import Outside, request_context, within
from .environ import Message, Receive, Scope, Send, build_environ, may_have_body, read_body
from .exchange import Exchange
from .flask import AsyncFlask
from .portal import release_all
from .threads import Threads
from .turns import Turns

__all__ = ("asgi_app",)

WATCH_EVERY = 0.05
"""Seconds; a request that runs for one to two of these is watched for its client's disconnect. Most are over by then."""


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
            msg = f"ASGI scope type {scope['type']!r} is not supported"
            raise ValueError(msg)

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
        await release_all(asyncio.get_running_loop())
        await send({"type": "lifespan.shutdown.complete"})

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, in one greenlet of the server's task; cancelled when its client disconnects."""
        loop = asyncio.get_running_loop()
        if loop is not self.loop:
            self.loop, self.turns, self.watch = loop, Turns(loop), _Watch(loop)
            self.threads = Threads(loop, self.app.config["ONELOOP_THREADS"])
        if not self.app.portal.adopted(loop):  # by a server without lifespan
            await self.app.portal.adopt()
        environ = build_environ(scope)
        body: IO[bytes] = io.BytesIO()
        if may_have_body(scope, environ):
            whole = await read_body(environ, receive, self.app.config["MAX_CONTENT_LENGTH"])
            if whole is None:
                return  # the client left while it sent its request
            body = whole
        environ["wsgi.input"] = body
        context = request_context(self.app)
        exchange = _Exchange(self, context, receive, send)
        self.watch.add(exchange)
        try:
            if not self.turns.take():
                await self.turns.wait()
            await within(context, greenlet_spawn(exchange.begin, exchange.respond, self.app, environ))
        except asyncio.CancelledError:
            if not exchange.disconnected:
                raise  # the server itself ends the request
        except (SystemExit, KeyboardInterrupt) as error:
            # In a task these would stop the server's loop, and every other request with it.
            msg = f"the application raised {type(error).__name__}"
            raise RuntimeError(msg) from error
        finally:
            self.watch.discard(exchange)
            body.close()


class _Exchange(Exchange):
    """A request, whose task is cancelled when its client disconnects, and ``start_response`` and the chunks after it as messages.

    Waiting for ``send`` is the back-pressure.
    """

    __slots__ = (
        *("answered", "disconnected", "head", "left", "receive", "seen"),
        *("send", "server_context", "started", "task", "watcher"),
    )

    def __init__(self, served: ASGIApp, context: Context, receive: Receive, send: Send) -> None:
        super().__init__(served.app, context, served.threads)
        self.server_context = copy_context()
        self.receive = receive
        self.send = send
        self.task = asyncio.current_task(served.loop)
        self.watcher: asyncio.Task[None] | None = None
        self.seen = self.disconnected = self.started = False
        self.answered = False
        """Whether the response is complete: what is done after it is not for the client, who may go."""
        self.head: Message | None = None
        self.left = -1
        """Bytes that ``Content-Length`` still allows; negative: no such header."""

    async def watch(self) -> None:
        """Wait for the client's disconnect."""
        while (await self.receive())["type"] != "http.disconnect":
            pass
        if self.task is not None and not self.answered:
            self.disconnected = True
            self.task.cancel()

    def respond(self, app: AsyncFlask, environ: dict[str, Any]) -> None:
        """Call the WSGI application and send what it answers; runs in the request's greenlet."""
        chunks: Iterable[bytes] = app(environ, self.start)
        try:
            for chunk in chunks:
                self.write(chunk)
            self.end()
        finally:
            if (close := getattr(chunks, "close", None)) is not None:
                close()

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        """WSGI's ``start_response`` (PEP 3333)."""
        if exc_info is not None and self.started:
            raise exc_info[1].with_traceback(exc_info[2])
        if exc_info is None and self.head is not None:
            msg = "start_response was called twice"
            raise AssertionError(msg)
        code = int(status.partition(" ")[0])
        if not 200 <= code < 600:
            msg = f"the application answered with the status {status!r}, which is none of HTTP"
            raise ValueError(msg)
        encoded = [(_header_name(name), value.encode("latin-1")) for name, value in headers]
        self.left = int(dict(encoded).get(b"content-length", -1))
        self.head = {"type": "http.response.start", "status": code, "headers": encoded}
        return self.write

    def write(self, chunk: bytes) -> None:
        """Send a chunk at once; the one that fills ``Content-Length`` ends the response."""
        if self.left < 0 and chunk:
            self._send(chunk, more=True)
        elif self.left > 0 and chunk:
            chunk = chunk[: self.left]
            self.left -= len(chunk)
            self._send(chunk, more=self.left > 0)

    def end(self) -> None:
        """End the response, unless its last chunk has done so."""
        if not self.answered:
            if self.left > 0 and self.head is not None and not self.started:
                self._forget_length(self.head["headers"])
            self._send(b"", more=False)

    def _forget_length(self, headers: list[tuple[bytes, bytes]]) -> None:
        """That of a file which a server in front sends, as X-Sendfile asks it to: the body is empty here."""
        if any(name == b"x-sendfile" for name, _ in headers):
            headers[:] = [header for header in headers if header[0] != b"content-length"]

    def _send(self, chunk: bytes, *, more: bool) -> None:
        self.answered = not more
        body = {"type": "http.response.body", "body": chunk, "more_body": more}
        if self.started:
            await_(Outside(self.send(body)))
            return
        if self.head is None:
            msg = "the application answered without calling start_response"
            raise AssertionError(msg)
        self.started = True
        await_(Outside(self._send_first(self.head, body)))

    async def _send_first(self, head: Message, body: Message) -> None:
        await self.send(head)
        await self.send(body)


@lru_cache(maxsize=512)
def _header_name(name: str) -> bytes:
    return name.lower().encode("latin-1")


class _Watch:
    """Looks every :data:`WATCH_EVERY` seconds for requests that still run, and waits for their clients to disconnect.

    A timer or a task for each request would cost more than most requests take.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.requests: set[_Exchange] = set()
        self.looking = False

    def add(self, request: _Exchange) -> None:
        self.requests.add(request)
        if not self.looking:
            self._look_again()

    def discard(self, request: _Exchange) -> None:
        self.requests.discard(request)
        if request.watcher is not None:
            request.watcher.cancel()

    def _look_again(self) -> None:
        self.looking = True
        self.loop.call_later(WATCH_EVERY, self._look)

    def _look(self) -> None:
        self.looking = False
        for request in self.requests:
            if request.seen and request.watcher is None:
                request.watcher = asyncio.create_task(request.watch(), context=request.server_context)
            request.seen = True
        if self.requests:
            self._look_again()
