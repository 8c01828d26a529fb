"""Worker threads, for what would keep the server's event loop waiting."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from .blame import blame
from .call import Outcome

R = TypeVar("R")
GIVEN_UP = "nobody waits for the answer"
"""The message of a cancellation for which a thread is waited for as long as it takes."""
ENDING_SECONDS = 1.0
"""How long after any other, such as a server's at its end."""
IDLE_SECONDS = 10.0
"""After which a thread that nobody needs ends."""

logger = logging.getLogger(__name__)


class Abandoned(asyncio.CancelledError):
    """The server ends a request, whose thread does not end."""


class OwnThread:
    """A worker thread that is nobody else's until it is let go of; calls functions in ``context`` itself.

    In that context nobody else may be meanwhile. As many threads work at a time as there are ``places``, first come, first
    served. Between two calls it is none of those that work: who reads a stream slowly keeps nobody waiting.
    """

    __slots__ = ("_context", "_loop", "_places", "_worker", "left")

    def __init__(self, places: asyncio.Semaphore, context: Context) -> None:
        self._places = places
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._worker: _Worker | None = None
        self.left = False
        """Whether it is left with a call that has not ended: what is to be done after that, nobody can wait for."""

    async def run(self, func: Callable[..., R], *args: Any) -> R:
        """Call it there.

        A thread cannot be cancelled: if this task is, it waits for the end of a call that has begun, and is cancelled then.

        Raises:
            Abandoned: if the call does not end within :data:`ENDING_SECONDS` of a cancellation that is not :data:`GIVEN_UP`.
            BaseException: what it raises, ``SystemExit`` included; not ``StopIteration``, which cannot leave a coroutine.
        """
        async with self._places:
            job = self._begin(func, args)
            try:
                return await job.done()
            finally:
                self.left = not job.finished

    def start(self, func: Callable[..., object], *args: Any) -> None:
        """Call it without waiting for a place or for its end, and let go of the thread then; any thread may ask for it."""
        self._begin(func, args, last=True)
        self._worker = None

    def let_go(self, func: Callable[[], object] = bool) -> None:
        """Leave the thread to others; if it is left with a call, when it has done that, and called this one."""
        if self._worker is not None:
            self.start(func) if self.left else _idle.append(self._worker)
        self._worker = None

    def _begin(self, func: Callable[..., R], args: tuple[Any, ...], last: bool = False) -> "_Job[R]":
        with suppress(IndexError):
            self._worker = self._worker or _idle.pop()
        worker = self._worker = self._worker or _Worker()
        job = _Job(self._loop, worker.thread, partial(self._context.run, func, *args), last)
        worker.jobs.put(job)
        return job


class _Job(Outcome[R]):
    """A call in a worker thread, and the task that waits for it."""

    __slots__ = ("abandoned", "finished", "func", "last", "loop", "thread", "waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop, thread: threading.Thread, func: Callable[[], R], last: bool) -> None:
        self.loop = loop
        self.thread = thread
        self.func = func
        self.last = last
        self.error = None
        self.finished = self.abandoned = False
        self.waiter: asyncio.Future[None] | None = None

    async def done(self) -> R:
        cancelled: asyncio.CancelledError | None = None
        while not self.finished:
            self.waiter = self.loop.create_future()
            try:
                await self.waiter
            except asyncio.CancelledError as error:
                if error.args != (GIVEN_UP,) and (cancelled is None or cancelled.args == (GIVEN_UP,)):  # anyio comes each time
                    self.loop.call_later(ENDING_SECONDS, self._abandon, context=Context())
                cancelled = error
            if self.abandoned and not self.finished:
                logger.error("The server ends a request, but not its thread, which is left with %s", blame(self.thread.ident))
                cancelled = None  # which holds this frame, and what the thread may yet have to close
                raise Abandoned
        self.error, cancelled = cancelled or self.error, None  # which holds this frame
        return self.take()

    def run(self) -> None:
        try:
            self.result = self.func()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the task waits
            self.error = error

    def finish(self) -> None:
        self.finished = True
        self._wake()

    def _abandon(self) -> None:
        self.abandoned = True
        self._wake()

    def _wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


class _Worker:
    """A daemon thread, which waits for a job; the one that waited last is the first to get another."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[_Job[Any]] = SimpleQueue()
        self.thread = threading.Thread(target=self._work, name="worker", daemon=True)
        Context().run(self.thread.start)

    def _work(self) -> None:
        while True:
            try:
                job = self.jobs.get(timeout=IDLE_SECONDS)
            except Empty:
                with suppress(ValueError):  # somebody has it, as who reads a stream slowly has
                    _idle.remove(self)
                    return
                continue
            job.run()
            if job.last:
                if job.error is not None:
                    logger.error("what was left to be done for a request has failed", exc_info=job.error)
                _idle.append(self)
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                job.loop.call_soon_threadsafe(job.finish)
            del job


_idle: list[_Worker] = []
os.register_at_fork(after_in_child=_idle.clear)
