"""Whose context variables code runs with: a request's application and its server await each other, and share none.

A task, a callback and a transport keep a copy of the context they were made in, for as long as they live. What a server makes
while it sends a response, such as the task of the connection's next request, must therefore not be made in the context of the
application that answers; nor must a pooled connection, which serves other requests later.
"""

import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import Context, copy_context
from typing import Any, TypeVar, cast
from weakref import WeakSet

import flask
from flask import has_app_context, has_request_context
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_, greenlet_spawn

from .threads import Abandoned

R = TypeVar("R")


class Outside:
    """Awaiting it inside :func:`within` awaits ``awaitable`` in the context outside."""

    __slots__ = ("awaitable",)

    def __init__(self, awaitable: Awaitable[Any]) -> None:
        self.awaitable = awaitable

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self)


@types.coroutine
def within(context: Context, coroutine: Coroutine[Any, Any, R]) -> Generator[Any, Any, R]:
    """Await the coroutine in the same task, but in ``context``; in the outer one only where it awaits :class:`Outside`.

    Raises:
        BaseException: whatever the coroutine raises.
    """
    step: Callable[[Any], Any] = coroutine.send
    value: Any = None
    try:
        while True:
            try:
                wanted = context.run(step, value)
            except StopIteration as stop:
                return cast("R", stop.value)
            step = coroutine.send
            try:
                value = (yield from wanted.awaitable.__await__()) if type(wanted) is Outside else (yield wanted)
            except Abandoned:
                coroutine.close()  # not in the context: a thread is in it
                raise
            except BaseException as error:  # noqa: BLE001 - a cancellation, too, is the coroutine's to handle
                step, value = coroutine.throw, error
    finally:
        del value  # it may hold this frame: do not leave the cycle to the collector


def request_context(app: flask.Flask) -> Context:
    """The context for the application of a request that begins: a copy of the current one, where its server or middleware are.

    One that holds an application or a request context already, whoever left it there, is not used: Flask would take it for the
    request's own, and with it the ``g`` of somebody else. That is logged as an error, and the request's context is an empty one.
    """
    if not (has_app_context() or has_request_context()):
        return copy_context()
    context = Context()
    context.run(
        app.logger.error,
        "A request began in a context that holds an application context already, with a g that is not its own: it was given an"
        " empty one. Look for app_context().push() without pop(): where the app is made, in middleware, in what starts a server."
        " (A request that is made in process, from within another, is given one as well.)",
    )
    return context


def connect_outside(engine: AsyncEngine) -> None:
    """Have the engine open its connections in an empty context, for they outlive the request that needs one first.

    Their transports' callbacks (asyncpg decodes rows in them) and threads would see that request's ``g`` for ever.
    """
    pool: Any = engine.pool
    if engine.sync_engine in _outside:
        return
    _outside.add(engine.sync_engine)
    connect = pool._invoke_creator  # noqa: SLF001 - what an engine's creators and listeners all come to; its next pools take it over

    def creator(connection_record: Any = None) -> Any:
        return await_(within(Context(), greenlet_spawn(connect, connection_record)))

    pool._creator = creator  # noqa: SLF001


_outside: WeakSet[Engine] = WeakSet()
