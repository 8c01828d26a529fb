"""Looks after requests that take long: whether their clients are still there, whether they may go on, what blocks the loop."""

import asyncio
import threading
import time
import weakref
from contextvars import Context

import flask

from .answer import Answer
from .blame import blame
from .call import start_task

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
        if limit := app.config["ONELOOP_BLOCKED_SECONDS"]:
            arguments = (weakref.ref(self), limit, threading.get_ident())
            Context().run(threading.Thread(target=_look_at_loop, args=arguments, name="watchdog", daemon=True).start)

    def add(self, request: Answer) -> None:
        self.requests.add(request)
        if not self.looking:
            self._look_again()

    def discard(self, request: Answer) -> None:
        self.requests.discard(request)
        task, request.task = request.task, None  # which may go on with another
        if task is not None and request.given_up:
            task.uncancel()
        if request.watcher is not None:
            request.watcher.cancel()

    def _look_again(self) -> None:
        self.looking, self.looked = True, time.monotonic()
        self.loop.call_later(WATCH_EVERY, self._look, context=Context())

    def _look(self) -> None:
        self.looking = False
        now = self.loop.time()
        for request in self.requests:
            if not request.seen:
                request.seen = now
            elif request.watcher is None:
                request.watcher = asyncio.create_task(request.watch(), context=request.outside)
            if self.seconds is not None and now - request.seen > self.seconds and not (request.started or request.given_up):
                start_task(request.time_out(), request.outside)
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
            looking.app.logger.warning("The event loop is blocked for %.1f s by %s", time.monotonic() - since, blame(thread))
        del looking
