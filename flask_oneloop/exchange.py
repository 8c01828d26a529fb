"""A request and its response, while the app works on them."""

from collections.abc import Callable, Iterable, Iterator
from contextvars import Context, ContextVar
from typing import Any, TypeVar, cast

import flask

from .call import await_, in_greenlet
from .context import Outside
from .threads import Threads

__all__ = ("Body", "Exchange", "current_exchange", "in_memory")

R = TypeVar("R")


class Exchange:
    """A request and its response in a context of their own; under an ASGI server also with the threads that it may use."""

    __slots__ = ("app", "context", "threads")

    def __init__(self, app: flask.Flask, context: Context | None = None, threads: Threads | None = None) -> None:
        self.app = app
        """Which the server serves; another may answer, by a dispatcher in front of it."""
        self.context = context
        self.threads = threads

    def begin(self, respond: Callable[..., R], *args: Any) -> R:
        """Call it, in the exchange's context, as the current exchange."""
        _current.set(self)
        try:
            return respond(*args)
        finally:
            if self.context is not None:
                _current.set(None)  # each refers to the other: do not leave the cycle to the collector

    def in_thread(self, func: Callable[..., R], *args: Any) -> R:
        """Call it in the exchange's context in a worker thread; its greenlet waits, outside the context."""
        assert self.threads is not None
        assert self.context is not None
        if _current.get() is self and in_greenlet():
            return cast("R", await_(Outside(self.threads.run(self.context, func, *args))))
        self.threads.start(self.context, func, *args)
        return cast("R", None)  # for a body that is finalized when all is over


def current_exchange() -> Exchange | None:
    """The exchange in whose context the caller is, so that nothing in it is another's."""
    return _current.get()


def in_memory(body: Iterable[bytes] | None) -> bool:
    """Whether a body is of bytes that Flask's own response holds, to be sent and dropped without calling anything of the app's.

    Nothing public of werkzeug tells; where its insides are not as they were, the answer is no.
    """
    callbacks = getattr(body, "_callbacks", None) or [None]
    response = getattr(callbacks[-1], "__self__", None)
    return type(response) is flask.Response and not getattr(response, "_on_close", True) and not response.is_streamed


class Body:
    """A WSGI response body that is iterated by way of ``run``, and closed so once: at the latest when it is dropped.

    ``run`` calls a function where the application ran: in its context, or in its context in a thread.
    """

    __slots__ = ("body", "chunks", "run")

    def __init__(self, run: Callable[..., Any]) -> None:
        self.run = run
        self.body: Iterable[bytes] | None = None

    def begin(self, wsgi_app: Callable[..., Iterable[bytes]], *args: Any) -> None:
        """Have the application answer; called by way of ``run``."""
        self.body = wsgi_app(*args)
        self.chunks = iter(self.body)

    def bare(self) -> Iterable[bytes]:
        """The application's own, for which no ``run`` is needed."""
        body, self.body = self.body, None
        assert body is not None
        return body

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk: bytes | object = self.run(next, self.chunks, _END)
        if chunk is _END:
            raise StopIteration
        return cast("bytes", chunk)

    def close(self) -> None:
        """Close it, if it can be closed (PEP 3333)."""
        body, self.body = self.body, None
        if (close := getattr(body, "close", None)) is not None:
            self.run(close)

    __del__ = close


_END = object()
_current: ContextVar[Exchange | None] = ContextVar("current exchange", default=None)
