"""An exchange as ASGI has it: what a WSGI application answers goes out as messages."""

import asyncio
from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from functools import lru_cache
from typing import Any

from sqlalchemy.util import await_

from .context import Outside
from .environ import Message, Receive, Send
from .exchange import Exchange
from .flask import AsyncFlask
from .threads import GIVEN_UP


class Answer(Exchange):
    """A request, whose task is cancelled when its client disconnects, and ``start_response`` and the chunks after it as messages.

    Waiting for ``send`` is the back-pressure.
    """

    __slots__ = ("answered", "given_up", "head", "left", "outside", "receive", "seen", "send", "started", "task", "watcher")

    def __init__(self, app: AsyncFlask, context: Context, places: asyncio.Semaphore, receive: Receive, send: Send) -> None:
        super().__init__(app, context, places)
        self.outside = copy_context()
        """The server's context."""
        self.receive = receive
        self.send = send
        self.task: asyncio.Task[Any] | None = asyncio.current_task()
        self.watcher: asyncio.Task[None] | None = None
        self.seen = 0.0
        """When the watch has seen it first, by the loop's clock."""
        self.given_up = False
        """Whether its task is cancelled because nobody waits for the answer any more."""
        self.started = False
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
            self.given_up = True
            self.task.cancel(GIVEN_UP)

    async def time_out(self) -> None:
        """Answer in the app's place, and cancel its task; what it answers later goes nowhere. A thread runs to its end."""
        self.started = self.answered = self.given_up = True
        self.left = 0
        try:
            await refuse(self.send, 503, "The request took too long.")
        finally:
            if self.task is not None:
                self.task.cancel(GIVEN_UP)

    def respond(self, app: AsyncFlask, environ: dict[str, Any]) -> None:
        """Call the WSGI application and send what it answers; runs in the request's greenlet."""
        chunks: Iterable[bytes] = app(environ, self.start)
        try:
            for chunk in chunks:
                self.write(chunk)
            if not self.answered:  # its last chunk may have done so
                self._send(b"", more=False)
        finally:
            if (close := getattr(chunks, "close", None)) is not None:
                close()

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        """WSGI's ``start_response`` (PEP 3333)."""
        if exc_info is not None and self.started:
            raise exc_info[1].with_traceback(exc_info[2])
        if exc_info is None and self.head is not None:
            raise AssertionError("start_response was called twice")
        code = int(status.partition(" ")[0])
        if not 200 <= code < 600:
            raise ValueError(f"the application answered with the status {status!r}, which is none of HTTP")
        encoded = [(_header_name(name), value.encode("latin-1")) for name, value in headers]
        # A server in front sends the file, and knows its length: the body here is empty.
        if b"x-sendfile" in (fields := dict(encoded)):
            encoded = [header for header in encoded if header[0] != b"content-length"]
            fields = dict(encoded)
        self.left = 0 if self.given_up else int(fields.get(b"content-length", -1))
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

    def _send(self, chunk: bytes, *, more: bool) -> None:
        self.answered = not more
        body = {"type": "http.response.body", "body": chunk, "more_body": more}
        if self.started:
            await_(Outside(self.send(body)))
            return
        if self.head is None:
            raise AssertionError("the application answered without calling start_response")
        self.started = True
        await_(Outside(self._send_first(self.head, body)))

    async def _send_first(self, head: Message, body: Message) -> None:
        await self.send(head)
        await self.send(body)


async def refuse(send: Send, status: int, text: str) -> None:
    """Answer without the app."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(text))]
    if status == 503:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


@lru_cache(maxsize=512)
def _header_name(name: str) -> bytes:
    return name.lower().encode("latin-1")
