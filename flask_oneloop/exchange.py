"""A request and its response, while the app works on them."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextvars import Context, ContextVar
from typing import Any, TypeVar, cast

import flask
from sqlalchemy.util import await_

from .call import in_greenlet
from .context import Outside
from .threads import OwnThread

R = TypeVar("R")

current: ContextVar["Exchange | None"] = ContextVar("current exchange", default=None)
"""The exchange in whose context the caller is, so that nothing in it is another's."""
END = object()
"""Instead of an item: there are no more."""


class Exchange:
    """A request and its response in a context of their own; under an ASGI server also with places for its thread."""

    __slots__ = ("app", "context", "places")

    def __init__(self, app: flask.Flask, context: Context | None = None, places: asyncio.Semaphore | None = None) -> None:
        self.app = app
        """Which the server serves; another may answer, by a dispatcher in front of it."""
        self.context = context
        self.places = places

    def begin(self, respond: Callable[..., R], *args: Any) -> R:
        """Call it, in the exchange's context, as the current exchange."""
        current.set(self)
        try:
            return respond(*args)
        except BaseExceptionGroup as group:  # as which Flask raises what happens in a teardown, since 3.2
            if group.split(asyncio.CancelledError)[1] is None:
                raise asyncio.CancelledError from group
            raise
        finally:
            if self.context is not None:
                current.set(None)  # each refers to the other: do not leave the cycle to the collector

    def in_thread(self, thread: OwnThread, func: Callable[..., R], *args: Any) -> R:
        """Call it in a thread for the exchange's context; its greenlet waits, outside the context."""
        if current.get() is self and in_greenlet() and not thread.left:
            return cast("R", await_(Outside(thread.run(func, *args))))
        thread.start(func, *args)
        return cast("R", None)  # for a body that is closed when all is over


def in_memory(body: Iterable[bytes]) -> bool:
    """Whether a body is of bytes that Flask's own response holds, to be sent and dropped without calling anything of the app's.

    Nothing public of werkzeug tells; where its insides are not as they were, the answer is no.
    """
    callbacks = getattr(body, "_callbacks", None) or [None]
    response: Any = getattr(callbacks[-1], "__self__", None)
    known = type(response) is flask.Response and not getattr(response, "_on_close", True)
    return known and type(response.response) in (list, tuple)


class Body:
    """A WSGI response body that is iterated by way of ``run``, and closed so once: at the latest when it is dropped.

    ``run`` calls a function where the application ran: in its context, or in its context in a thread; ``let_go`` is called when
    no more calls are to come, but for the one that it is given, if the application has not returned.
    """

    __slots__ = ("body", "chunks", "let_go", "run")

    def __init__(self, run: Callable[..., Any], let_go: Callable[..., object] = bool) -> None:
        self.run = run
        self.let_go = let_go
        self.body: Iterable[bytes] | None = None

    def answer(self, wsgi_app: Callable[..., Iterable[bytes]], *args: Any) -> Iterable[bytes]:
        """Have the application answer; returned is this body, or the application's own where no ``run`` is needed."""
        try:
            self.run(self._begin, wsgi_app, *args)
        except BaseException:
            self.close()
            raise
        if (body := self.body) is None or not in_memory(body):
            return self
        self.body = None
        self.let_go()
        return body

    def _begin(self, wsgi_app: Callable[..., Iterable[bytes]], *args: Any) -> None:
        self.body = wsgi_app(*args)
        self.chunks = iter(self.body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if (chunk := self.run(next, self.chunks, END)) is END:
            raise StopIteration
        return cast("bytes", chunk)

    def close(self) -> None:
        """Close it, if it can be closed (PEP 3333)."""
        try:
            if hasattr(self.body, "close"):
                self.run(self._end)  # if it is cancelled before that begins, it is done when this is dropped
        finally:
            if not hasattr(self.body, "close"):
                self.let_go(self._end)  # of what the application may yet return

    __del__ = close

    def _end(self) -> None:
        body, self.body = self.body, None
        getattr(body, "close", bool)()
