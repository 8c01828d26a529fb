"""Waiting for a coroutine from synchronous code, and for synchronous code from a coroutine."""

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any, Generic, TypeVar

from greenlet import getcurrent

R = TypeVar("R")
_MISSING = object()


def in_greenlet() -> bool:
    """Whether the caller can wait by switching out of its greenlet."""
    return getattr(getcurrent(), "__sqlalchemy_greenlet_provider__", False)


class Outcome(Generic[R]):
    """What a call in another thread has come to."""

    __slots__ = ("error", "result")
    error: BaseException | None
    result: R

    def take(self) -> R:
        """Its result.

        Raises:
            BaseException: what it raised, ``SystemExit`` included; once.
        """
        if self.error is None:
            return self.result
        try:
            raise self.error
        finally:
            self.error = None  # it holds this frame: do not leave the cycle to the collector


class Call(Outcome[R]):
    """One coroutine on a loop that runs in another thread.

    The waiting is on a bare lock, which costs a third of a ``concurrent.futures.Future``. The coroutine's exception is caught
    inside its task whatever it is, because a ``SystemExit`` that reaches the loop would stop it for everybody.
    """

    __slots__ = ("context", "coroutine", "done", "loop", "task")

    def __init__(self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, R]) -> None:
        self.loop = loop
        self.coroutine = coroutine
        self.context = contextvars.copy_context()
        self.done = threading.Lock()
        self.error = None
        self.task: asyncio.Task[None] | None = None

    def wait(self) -> R:
        self.done.acquire()
        try:
            self.loop.call_soon_threadsafe(self._start)  # not in the context itself, which an eager task enters
        except BaseException:
            self.coroutine.close()
            raise
        try:
            self.done.acquire()
        except BaseException:
            self.loop.call_soon_threadsafe(self._cancel)
            raise
        for variable, value in self.context.items():
            if variable.get(_MISSING) is not value:
                variable.set(value)
        return self.take()

    def _start(self) -> None:
        run = self._run()
        run.send(None)  # into its try, where a cancellation before the task's first step finds it
        self.task = self.loop.create_task(run, context=self.context)

    def _cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()

    async def _run(self) -> None:
        try:
            await _STARTED
            self.result = await self.coroutine
        except BaseException as error:  # noqa: BLE001 - it is raised again where the call was made
            self.error = error
            self.coroutine.close()  # it may not have begun
        finally:
            self.done.release()


class _Once(tuple[None]):
    """Awaited, it yields to who runs the coroutine, once."""

    __await__: Any = tuple.__iter__


_STARTED = _Once((None,))


async def finish(awaitable: Awaitable[R]) -> R:
    """Await to the end even if this task is cancelled meanwhile; the cancellation is raised afterwards.

    For the end of a transaction: cancelled half-way, SQLAlchemy can lose the connection's place in the pool.
    """
    task = asyncio.ensure_future(awaitable)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        with suppress(BaseException):
            task.result()
        raise cancelled
    return task.result()


def start_task(coroutine: Coroutine[Any, Any, R], context: contextvars.Context | None = None) -> asyncio.Task[R]:
    """Start a task on the running loop that is kept until it ends: asyncio itself would leave it to the collector."""
    task = asyncio.create_task(coroutine, context=context)
    _started.add(task)
    task.add_done_callback(_started.discard)
    return task


_started: set[asyncio.Task[Any]] = set()
