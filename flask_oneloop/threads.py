"""Worker threads, for what would keep the server's event loop waiting."""

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Any, TypeVar, cast

__all__ = ("Threads",)

R = TypeVar("R")


class Threads:
    """Calls functions in threads, no more than ``limit`` at a time, first come, first served; made and used on one loop.

    Handing over to a thread that waits on a bare lock costs a third of what ``run_in_executor`` does.
    """

    __slots__ = ("_free", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self._loop = loop
        self._free = asyncio.Semaphore(limit)

    async def run(self, context: Context, func: Callable[..., R], *args: Any) -> R:
        """Call it there, in ``context`` itself, in which nobody else may be meanwhile.

        A thread cannot be cancelled: if this task is, it waits for the end of a call that has begun, and is cancelled then.

        Raises:
            BaseException: what it raises, ``SystemExit`` included; not ``StopIteration``, which cannot leave a coroutine.
        """
        async with self._free:
            return cast("R", await _Job(self._loop, context, func, args).done())

    def start(self, context: Context, func: Callable[..., object], *args: Any) -> None:
        """Call it without waiting for a place or for its end; any thread may ask for it."""
        _hand_over(_Job(self._loop, context, func, args))


class _Job:
    """A call in a worker thread, and the task that waits for it."""

    __slots__ = ("args", "context", "error", "finished", "func", "loop", "result", "waiter")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, context: Context, func: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        self.loop, self.context, self.func, self.args = loop, context, func, args
        self.result: Any = None
        self.error: BaseException | None = None
        self.finished = False
        self.waiter: asyncio.Future[None] | None = None

    async def done(self) -> Any:
        cancelled: asyncio.CancelledError | None = None
        _hand_over(self)
        while not self.finished:
            self.waiter = self.loop.create_future()
            try:
                await self.waiter
            except asyncio.CancelledError as error:
                cancelled = error
        try:
            if cancelled is not None:
                raise cancelled
            if self.error is not None:
                raise self.error
            return self.result
        finally:
            del self.error, cancelled  # they hold this frame: do not leave the cycle to the collector

    def run(self) -> None:
        try:
            self.result = self.context.run(self.func, *self.args)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the task waits
            self.error = error

    def tell(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self.finished = True
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


class _Worker:
    """A daemon thread, which waits for a job; the one that waited last is the first to get another."""

    def __init__(self) -> None:
        self.job: _Job | None = None
        self.ready = threading.Lock()
        self.ready.acquire()
        Context().run(threading.Thread(target=self._work, name="worker", daemon=True).start)

    def _work(self) -> None:
        while True:
            self.ready.acquire()
            job, self.job = self.job, None
            if job is not None:
                job.run()
                _idle.append(self)
                job.tell()
            del job


_idle: list[_Worker] = []
os.register_at_fork(after_in_child=_idle.clear)


def _hand_over(job: _Job) -> None:
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
    worker.job = job
    worker.ready.release()
