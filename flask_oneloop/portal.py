"""Where a coroutine runs when the caller is not on an event loop itself.

The process has one event loop, in a daemon thread that is started on first use (so: after a fork, in the worker). An app that
is served over ASGI gives its portal the server's loop instead (:meth:`Portal.adopt`). Either way every coroutine of an app runs
on one loop, which is what loop-bound resources such as asyncpg's connections need.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, NamedTuple, ParamSpec, TypeVar
from weakref import WeakSet

from sqlalchemy import Engine, Pool, SingletonThreadPool, StaticPool, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_, greenlet_spawn

from .call import Call, finish, in_greenlet, start_task
from .context import connect_outside
from .ended import drop
from .loop import keep_for_ever, process_loop

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)


class Former(NamedTuple):
    """A loop that was let go of when it did not run, and what was left on it."""

    loop: asyncio.AbstractEventLoop | None
    """None: the process's."""
    pools: list[Pool]
    connections: WeakSet[Any]


class Portal:
    """Calls coroutine functions from synchronous code, on the one loop of its app.

    It also stands in for Advanced Alchemy's ``PortalProvider``, whose own loop is stopped at the end of each request.
    """

    def __init__(self) -> None:
        self._server_loop: asyncio.AbstractEventLoop | None = None
        self._adopting: asyncio.Future[None] | None = None
        self._engines: list[AsyncEngine] = []
        self._synchronous: list[Engine] = []
        self._connections: WeakSet[Any] = WeakSet()
        """The drivers' own, that are open on the server's loop or on the process's."""
        self._former: list[Former] = []
        process_loop.portals.add(self)

    @property
    def portal(self) -> "Portal":
        return self

    @property
    def is_running(self) -> bool:
        """Whether there is a loop yet."""
        return self._server_loop is not None or process_loop.running is not None

    def start(self) -> None:
        """See that there is a loop. It is not needed: the first call does."""
        _ = self.loop

    def stop(self) -> None:
        """Close the connections of the app's engines. The loop goes on, for other apps of the process may use it."""
        if self.is_running:
            self.call(self.close)
        else:
            self.close_synchronous()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop of this app: the server's under ASGI, else the process's own, started if need be."""
        if (loop := self._server_loop) is not None:
            if loop.is_running():
                return loop
            self.drop_ended()
        return process_loop.get()

    def on_loop(self) -> bool:
        """Whether the caller is on the app's loop, and not only in its thread, as all of gevent's greenlets are."""
        running = asyncio._get_running_loop()  # noqa: SLF001 - the exported variant that does not raise
        if running is None or running is self._server_loop:
            return running is not None
        return running is self.loop and (process_loop.is_current() or in_greenlet())

    def adopted(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether this running loop is the server's, with nothing left to be closed on another one."""
        return self._server_loop is loop and (self._adopting is None or self._adopting.done())

    def own(self, engine: AsyncEngine | Engine) -> None:
        """Have the engine's connections closed at exit at the latest; those of an asynchronous one on their loop.

        And have those made outside any request's context.
        """
        if isinstance(engine, Engine):
            self._synchronous.append(engine)
            return
        connect_outside(engine)
        event.listen(engine.sync_engine, "connect", self._note)
        self._engines.append(engine)

    def _note(self, _: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        self._connections.add(record.driver_connection)

    def call(self, func: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run ``func(*args, **kwargs)`` on the app's loop, with the caller's context variables, and return its result.

        Context variables that the coroutine sets are set for the caller too. If waiting is interrupted (Ctrl-C), the
        coroutine is cancelled.

        Raises:
            RuntimeError: if the caller itself runs on the app's loop, outside a greenlet: it has to ``await``.
            BaseException: whatever the coroutine raises, ``SystemExit`` and ``KeyboardInterrupt`` included.
        """
        if not self.on_loop():
            return Call(self.loop, func(*args, **kwargs)).wait()
        if in_greenlet():
            return await_(func(*args, **kwargs))
        raise RuntimeError(f"{getattr(func, '__qualname__', func)} was called synchronously from the loop: await it instead")

    def run(self, func: Callable[..., R], *args: Any) -> R | None:
        """Call a synchronous function whose I/O waits by SQLAlchemy's greenlets, such as ``Session.commit``, on the app's loop.

        It runs to its end even if the request is cancelled meanwhile. Called from a coroutine, which it cannot keep waiting, it
        is started as a task of its own.
        """
        if not self.on_loop():
            return self.call(greenlet_spawn, func, *args)
        running = finish(greenlet_spawn(func, *args))
        if in_greenlet():
            return await_(running)
        start_task(running)
        return None

    async def adopt(self) -> None:
        """Make the running loop, an ASGI server's, the loop of this app.

        Raises:
            RuntimeError: if the app is already served on another running loop, whose connections it would share.
        """
        loop = asyncio.get_running_loop()
        if (former := self._server_loop) is not loop:
            if former is not None and former.is_running():
                raise RuntimeError("this app is already served on another event loop of the process: use one app object per loop")
            self.drop_ended()
            self._server_loop = loop
            self._adopting = loop.create_task(self._close_former(loop), context=Context())
        if self._adopting is not None:
            await asyncio.shield(self._adopting)

    async def _close_former(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close what was made on the process's loop, and on this one when it was the app's before."""
        if (former := process_loop.running) is not None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._close_pools(), former))
        for one in [one for one in self._former if one.loop is loop]:
            self._former.remove(one)
            for pool in one.pools:
                await greenlet_spawn(pool.dispose)

    async def release(self) -> None:
        """Let go of the server's loop, which is about to stop: close on it what was made on it."""
        await self.close()
        self._server_loop = None

    async def close(self) -> None:
        """Close the connections of the app's engines; awaited on the loop that made them. The engines stay usable."""
        await self._close_pools(of_memory=True)
        self.close_synchronous()

    def close_synchronous(self) -> None:
        """The same for synchronous engines, wherever it is called."""
        for engine in self._synchronous:
            engine.dispose()

    async def _close_pools(self, of_memory: bool = False) -> None:
        for engine in self._engines:
            try:
                if of_memory or not in_one_connection(engine):
                    await engine.dispose()
            except Exception:
                logger.exception("closing the connections of %s failed", engine)

    def forget(self) -> None:
        """In a forked child: let go of the parent's connections, which may not even be finalized here."""
        keep_for_ever((self._let_go(), self._former))
        self._former = []
        for engine in self._synchronous:
            keep_for_ever(engine.pool)
            engine.dispose(close=False)

    def drop_ended(self) -> None:
        """Close what was left on loops that have ended. One that only rests, as between two tests, may go on with its own."""
        if self._server_loop is not None and not self._server_loop.is_running():
            self._former.append(self._let_go())
        for one in [one for one in self._former if one.loop is not None and one.loop.is_closed()]:
            self._former.remove(one)
            for connection in list(one.connections):
                drop(connection)

    def _let_go(self) -> "Former":
        """Let go of a loop, with new pools for the engines; the former ones, and their connections, untouched."""
        former = Former(self._server_loop, [engine.pool for engine in self._engines], self._connections)
        self._server_loop = self._adopting = None
        self._connections = WeakSet()
        for engine in self._engines:
            engine.sync_engine.dispose(close=False)
        return former


def in_one_connection(engine: AsyncEngine | Engine) -> bool:
    """Whether the database is in memory, and ends with the connections that it is in."""
    return isinstance(engine.pool, StaticPool | SingletonThreadPool)


async def close_all(loop: asyncio.AbstractEventLoop) -> None:
    """Close what every app that has adopted this server's loop made on it: the app it serves, and those behind a dispatcher."""
    for portal in list(process_loop.portals):
        if portal.adopted(loop):
            await portal.close()  # what ends later on this loop still does so on it
