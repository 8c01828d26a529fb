"""Where a coroutine runs when the caller is not on an event loop itself.

The process has one event loop, in a daemon thread that is started on first use (so: after a fork, in the worker). An app that
is served over ASGI gives its portal the server's loop instead (:meth:`Portal.adopt`). Either way every coroutine of an app runs
on one loop, which is what loop-bound resources such as asyncpg's connections need.
"""

import asyncio
import atexit
import contextvars
import logging
import os
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Generic, ParamSpec, TypeVar, cast

from greenlet import getcurrent
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.util import greenlet_spawn

try:
    from sqlalchemy.util import await_
except ImportError:  # SQLAlchemy < 2.1
    from sqlalchemy.util import await_only as await_

__all__ = ("Portal", "await_", "core")

P = ParamSpec("P")
R = TypeVar("R")

CLOSING_SECONDS = 0.5
"""At exit: how long cancelled coroutines and the closers have, in seconds."""

logger = logging.getLogger(__name__)
_MISSING = object()


class Portal:
    """Calls coroutine functions from synchronous code, on the one loop of its app.

    It also stands in for Advanced Alchemy's ``PortalProvider``, whose own loop is stopped at the end of each request.
    """

    def __init__(self) -> None:
        self._server_loop: asyncio.AbstractEventLoop | None = None
        self._adopting: asyncio.Future[None] | None = None
        self._engines: list[AsyncEngine] = []
        self._inherited: list[Any] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        _process_loop.portals.add(self)

    @property
    def portal(self) -> "Portal":
        return self

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop of this app: the server's under ASGI, else the process's own, started if need be."""
        if self._server_loop is not None:
            if self._server_loop.is_running():
                return self._server_loop
            self.forget()
        return _process_loop.get()

    def on_loop(self) -> bool:
        """Whether the caller's thread is running the app's loop."""
        return asyncio._get_running_loop() is self.loop  # noqa: SLF001 - the exported variant that does not raise

    def own(self, engine: AsyncEngine) -> None:
        """Have the engine's connections closed on the loop that made them, at exit at the latest."""
        self._engines.append(engine)

    def call(self, func: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run ``func(*args, **kwargs)`` on the app's loop, with the caller's context variables, and return its result.

        Context variables that the coroutine sets are set for the caller too. If waiting is interrupted (Ctrl-C), the
        coroutine is cancelled.

        Raises:
            RuntimeError: if the caller itself runs on the app's loop, outside a greenlet: it has to ``await``.
            BaseException: whatever the coroutine raises, ``SystemExit`` and ``KeyboardInterrupt`` included.
        """
        loop = self.loop
        if asyncio._get_running_loop() is not loop:  # noqa: SLF001 - the exported variant that does not raise
            return _Call(loop, func(*args, **kwargs)).wait()
        if in_greenlet():
            return await_(func(*args, **kwargs))
        msg = f"{getattr(func, '__qualname__', func)} was called synchronously from the event loop: await it instead"
        raise RuntimeError(msg)

    def run(self, func: Callable[..., R], *args: Any) -> R | None:
        """Call a synchronous function whose I/O waits by SQLAlchemy's greenlets, such as ``Session.commit``, on the app's loop.

        It runs to its end even if the request is cancelled meanwhile. Called from a coroutine, which it cannot keep waiting, it
        is started as a task of its own.
        """
        if not self.on_loop():
            return self.call(_in_greenlet, func, *args)
        running = finish(greenlet_spawn(func, *args))
        if in_greenlet():
            return await_(running)
        task = asyncio.ensure_future(running)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return None

    def run_briefly(self, func: Callable[..., R], *args: Any) -> R:
        """Call a synchronous function on the app's loop that waits for nothing there."""
        if self.on_loop():
            return func(*args)
        return self.call(_in_greenlet, func, *args)

    async def adopt(self) -> None:
        """Make the running loop, an ASGI server's, the loop of this app.

        Raises:
            RuntimeError: if the app is already served on another running loop, whose connections it would share.
        """
        loop = asyncio.get_running_loop()
        if self._server_loop is loop:
            if self._adopting is not None:
                await asyncio.shield(self._adopting)
            return
        if self._server_loop is not None:
            if self._server_loop.is_running():
                msg = "this app is already served on another event loop of the process: use one app object per loop"
                raise RuntimeError(msg)
            self.forget()
        self._server_loop = loop
        if (former := _process_loop.running()) is not None:
            self._adopting = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.close(), former))
            await asyncio.shield(self._adopting)
            self._adopting = None

    async def release(self) -> None:
        """Let go of the server's loop, which is about to stop: close on it what was made on it."""
        await self.close()
        self._server_loop = None

    async def close(self) -> None:
        """Close the connections of the app's engines; awaited on the loop that made them. The engines stay usable."""
        for engine in self._engines:
            try:
                await engine.dispose()
            except Exception:
                logger.exception("closing the connections of %s failed", engine)

    def forget(self) -> None:
        """Let go of a loop that does not run here any more, without touching its connections.

        They are kept from the collector too: their finalizers would work on the sockets of a forked child's parent.
        """
        self._server_loop = self._adopting = None
        for engine in self._engines:
            self._inherited.append(engine.pool)
            engine.sync_engine.dispose(close=False)


def in_greenlet() -> bool:
    """Whether the caller can wait by switching out of its greenlet."""
    return getattr(getcurrent(), "__sqlalchemy_greenlet_provider__", False)


async def _in_greenlet(func: Callable[..., R], *args: Any) -> R:
    return await greenlet_spawn(func, *args)


def core(session: AsyncSession) -> Session:
    """The synchronous session behind an asynchronous one."""
    return session.sync_session


class _Call(Generic[R]):
    """One coroutine on a loop that runs in another thread.

    The waiting is on a bare lock, which costs a third of a ``concurrent.futures.Future``. The coroutine's exception is caught
    inside its task whatever it is, because a ``SystemExit`` that reaches the loop would stop it for everybody.
    """

    __slots__ = ("context", "coroutine", "done", "error", "loop", "result", "task")

    def __init__(self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, R]) -> None:
        self.loop = loop
        self.coroutine = coroutine
        self.context = contextvars.copy_context()
        self.done = threading.Lock()
        self.error: BaseException | None = None
        self.task: asyncio.Task[None] | None = None

    def wait(self) -> R:
        self.done.acquire()
        try:
            self.loop.call_soon_threadsafe(self._start, context=self.context)
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
        if self.error is None:
            return self.result
        try:
            raise self.error
        finally:
            del self.error  # it holds this frame: do not leave the cycle to the collector

    def _start(self) -> None:
        self.task = self.loop.create_task(self._run(), context=self.context)

    def _cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()

    async def _run(self) -> None:
        try:
            self.result = await self.coroutine
        except BaseException as error:  # noqa: BLE001 - it is raised again where the call was made
            self.error = error
        finally:
            self.done.release()


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


class _ProcessLoop:
    """The event loop of this process, in a daemon thread."""

    def __init__(self) -> None:
        self.portals: weakref.WeakSet[Portal] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._inherited: list[Any] = []
        self._stopping = False
        os.register_at_fork(after_in_child=self._after_fork)
        atexit.register(self._stop)

    def running(self) -> asyncio.AbstractEventLoop | None:
        """The loop if it was started in this process, else None."""
        return self._loop

    def get(self) -> asyncio.AbstractEventLoop:
        """The loop; the first call starts it.

        Raises:
            RuntimeError: if the interpreter is exiting.
        """
        if self._loop is not None:
            return self._loop
        with self._lock:
            if self._stopping:
                msg = "the event loop is stopped: the process is exiting"
                raise RuntimeError(msg)
            if self._loop is None:
                loop = new_event_loop()
                self._thread = threading.Thread(target=self._run, args=(loop,), name="event-loop", daemon=True)
                self._thread.start()
                self._loop = loop
            return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        while not self._stopping:
            try:
                loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                logger.exception("a task of its own raised this; the event loop goes on")

    def _after_fork(self) -> None:
        """In the child there is no thread any more, and the parent's loop and connections must not be touched.

        Not even by their finalizers: the loop's would change the parent's epoll set, which a fork shares.
        """
        self._lock = threading.Lock()
        if self._loop is not None:
            self._inherited.append((self._loop, self._thread))
            self._loop = self._thread = None
        for portal in list(self.portals):
            portal.forget()

    def _stop(self) -> None:
        """At exit: cancel what still runs, close what belongs to the loop, stop it; within a bounded time."""
        with self._lock:
            self._stopping = True
            loop, thread, self._loop = self._loop, self._thread, None
        if loop is None or thread is None:
            return
        closing = asyncio.run_coroutine_threadsafe(self._close(), loop)
        with suppress(TimeoutError):
            closing.result(CLOSING_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CLOSING_SECONDS / 2)
        if not thread.is_alive():
            loop.close()

    async def _close(self) -> None:
        others = asyncio.all_tasks() - {cast("asyncio.Task[Any]", asyncio.current_task())}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others)
        for portal in list(self.portals):
            await portal.close()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A new event loop, uvloop's where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return cast("asyncio.AbstractEventLoop", uvloop.new_event_loop())


_process_loop = _ProcessLoop()
