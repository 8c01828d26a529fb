"""Looks after requests that take long: whether their clients are still there, whether they may go on, what blocks the loop."""

import asyncio
import sys
import threading
import time
import weakref
from contextvars import Context
from traceback import extract_stack
from types import FrameType

import flask

from .answer import Answer

__all__ = ("Watch",)

WATCH_EVERY = 0.05
"""Seconds; a request that runs for one to two of these is watched for its client's disconnect. Most are over by then."""


class Watch:
    """Looks every :data:`WATCH_EVERY` seconds for requests that still run, as long as there are any.

    A timer or a task for each request would cost more than most requests take.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, app: flask.Flask) -> None:
        self.loop = loop
        self.app = app
        self.seconds: float | None = app.config["ONELOOP_SECONDS"] or None
        self.requests: set[Answer] = set()
        self.looking = False
        self.looked = time.monotonic()
        self.tasks: set[asyncio.Task[None]] = set()
        if limit := app.config["ONELOOP_BLOCKED_SECONDS"]:
            arguments = (weakref.ref(self), limit, threading.get_ident())
            Context().run(threading.Thread(target=_look_at_loop, args=arguments, name="watchdog", daemon=True).start)

    def add(self, request: Answer) -> None:
        self.requests.add(request)
        if not self.looking:
            self._look_again()

    def discard(self, request: Answer) -> None:
        self.requests.discard(request)
        if request.watcher is not None:
            request.watcher.cancel()

    def _look_again(self) -> None:
        self.looking, self.looked = True, time.monotonic()
        self.loop.call_later(WATCH_EVERY, self._look)

    def _look(self) -> None:
        self.looking = False
        now = self.loop.time()
        for request in self.requests:
            if not request.seen:
                request.seen = now
            elif request.watcher is None:
                request.watcher = asyncio.create_task(request.watch(), context=request.server_context)
            if self.seconds is not None and now - request.seen > self.seconds and not (request.started or request.given_up):
                task = asyncio.create_task(request.time_out(), context=request.server_context)
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
        if self.requests:
            self._look_again()


def _look_at_loop(watch: "weakref.ref[Watch]", limit: float, thread: int) -> None:
    """The watchdog: log what the loop's thread is doing when the watch has not come round for ``limit`` seconds."""
    reported = 0.0
    while True:
        time.sleep(limit / 4)
        if (looking := watch()) is None or looking.loop.is_closed():
            return
        since = looking.looked
        if looking.looking and time.monotonic() - since > limit + WATCH_EVERY and since != reported:
            reported = since
            if (frame := sys._current_frames().get(thread)) is not None:  # noqa: SLF001 - public, but for its name
                looking.app.logger.warning("The event loop is blocked for %.1f s by %s", time.monotonic() - since, _blame(frame))
        del looking


def _blame(innermost: FrameType) -> str:
    """The request and the app's line that keep the loop: in the innermost frame that is of no installed package."""
    stack = extract_stack(innermost)
    own = [one for one in stack if "site-packages" not in one.filename and not one.filename.startswith((_HERE, sys.base_prefix))]
    at = (own or stack)[-1]
    frame: FrameType | None = innermost
    environ: object = None
    while frame is not None and not isinstance(environ := frame.f_locals.get("environ"), dict):
        frame = frame.f_back
    request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}" if isinstance(environ, dict) else "no request"
    return f'{request}, in {at.name}: {at.line} (File "{at.filename}", line {at.lineno})'


_HERE = __file__.rpartition("/")[0]
