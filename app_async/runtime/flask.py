"""Flask with its coroutines on one event loop, and async generators as response bodies."""

import functools
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from typing import Any, TypeVar, cast

from flask import current_app

from .portal import Portal
from .sessions import Flask

__all__ = ("AsyncFlask", "stream")

T = TypeVar("T")
_END = object()


class AsyncFlask(Flask):
    """Flask whose async views, hooks, handlers and receivers all run on the event loop of its ``portal``."""

    def async_to_sync(self, func: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """A function that runs the coroutine function on the app's loop and waits for its result."""
        return functools.partial(self.portal.call, func)


def stream(source: AsyncGenerator[T, None]) -> Iterator[T]:
    """Iterate an async generator synchronously, as a WSGI response body has to be.

    One item is asked for when the server wants one, so a slow client slows the generator down. Closing the iterator closes the
    generator. Flask's ``stream_with_context`` can be put around it.

    Raises:
        RuntimeError: outside an application context.
    """
    return _iterate(cast("AsyncFlask", current_app).portal, source)


def _iterate(portal: Portal, source: AsyncGenerator[T, None]) -> Iterator[T]:
    async def following() -> T | object:
        return await anext(source, _END)

    try:
        while (item := portal.call(following)) is not _END:
            yield cast("T", item)
    finally:
        portal.call(source.aclose)
