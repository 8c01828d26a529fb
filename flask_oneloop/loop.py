"""The event loop of a process, for what is called from threads that have none."""

import asyncio
import atexit
import ctypes
import logging
import os
import sys
import threading
import time
import warnings
import weakref
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from .portal import Portal

CLOSING_SECONDS = 0.5
"""At exit: how long cancelled coroutines, and connections that are closed, have in seconds."""

WAITING_SECONDS = 0.01
"""Between two looks whether another loop of the same thread is at its end."""

logger = logging.getLogger(__name__)


class ProcessLoop:
    """The event loop of this process, in a daemon thread."""

    def __init__(self) -> None:
        self.portals: weakref.WeakSet[Portal] = weakref.WeakSet()
        """Of all apps, whatever loop is theirs."""
        self._lock = threading.Lock()
        self.running: asyncio.AbstractEventLoop | None = None
        """The loop, if it was started in this process."""
        self._thread: threading.Thread | None = None
        self.stopping = False
        """Whether the process is at its exit, where all tasks are cancelled."""
        os.register_at_fork(after_in_child=self._after_fork)
        atexit.register(self._stop)

    def is_current(self) -> bool:
        """Whether the caller is on it: in its thread, which gevent's greenlets are where it has patched threads."""
        return self._thread is not None and self._thread.ident == threading.get_ident()

    def get(self) -> asyncio.AbstractEventLoop:
        """The loop; the first call starts it.

        Raises:
            RuntimeError: if the interpreter is exiting.
        """
        if (loop := self.running) is not None:
            return loop
        with self._lock:
            if self.stopping:
                raise RuntimeError("the event loop is stopped: the process is exiting")
            if self.running is not None:
                return self.running
            loop = self.running = new_event_loop()
            thread = self._thread = threading.Thread(target=self._run, args=(loop,), name="event-loop", daemon=True)
        # Outside the lock, which may be older than gevent's patches and knows none of its greenlets; in an empty context, for a
        # thread may inherit its starter's, a request's (Python 3.14).
        try:
            Context().run(thread.start)
        except RuntimeError:  # there are too many: not this time
            self.running = self._thread = None
            raise
        return loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        while not self.stopping:
            try:
                loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                logger.exception("a task of its own raised this; the event loop goes on")
            except RuntimeError:  # under gevent, where all are one thread to asyncio: a view's ``asyncio.run`` is not over yet
                if loop.is_closed():
                    raise
                time.sleep(WAITING_SECONDS)

    def _after_fork(self) -> None:
        """In the child there is no thread any more, and the parent's loop and connections must not be touched.

        Not even by their finalizers: the loop's would change the parent's epoll set, which a fork shares.
        """
        self._lock = threading.Lock()
        if self.running is not None:
            keep_for_ever((self.running, self._thread))
            self.running = self._thread = None
        for portal in list(self.portals):
            portal.forget()

    def _stop(self) -> None:
        """At exit: cancel what still runs, close what belongs to the loop, stop it; within a bounded time."""
        for portal in list(self.portals):
            portal.drop_ended()
            portal.close_synchronous()
        with self._lock:
            self.stopping = True
            loop, thread, self.running = self.running, self._thread, None
        if loop is None or thread is None:
            return
        closing = asyncio.run_coroutine_threadsafe(self._close(), loop)
        with suppress(TimeoutError):
            closing.result(CLOSING_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CLOSING_SECONDS / 2)
        if not thread.is_alive():
            # Where this warning is an error, uvloop would not close the transport it is about, and wait for it for ever.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                loop.close()

    async def _close(self) -> None:
        others = asyncio.all_tasks() - {cast("asyncio.Task[Any]", asyncio.current_task())}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others)
        for portal in list(self.portals):
            await portal.close()


def keep_for_ever(thing: object) -> None:
    """Have it never finalized, not even at exit, when the interpreter frees what modules and lists hold."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def refuse_eventlet() -> None:
    """Raise a RuntimeError where eventlet has patched the standard library: no event loop runs there."""
    patcher: Any = sys.modules.get("eventlet.patcher")
    if patcher is not None and patcher.is_monkey_patched("thread"):
        raise RuntimeError("no coroutine runs where eventlet has patched the standard library: take gunicorn's gthread or gevent")


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A new event loop: uvloop's where it is installed, but asyncio's own where gevent has patched what it waits with."""
    monkey: Any = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        return asyncio.new_event_loop()
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return cast("asyncio.AbstractEventLoop", uvloop.new_event_loop())


process_loop = ProcessLoop()
