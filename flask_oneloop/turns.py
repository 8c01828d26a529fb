"""Whose turn it is to begin: at most one request in each iteration of the event loop, first come, first served.

libuv (in uvloop) accepts one connection in each iteration, and an iteration lasts as long as one step of every task that is
ready. A server that starts whatever it has parsed at once therefore lets a hundred busy clients keep a new one waiting for
seconds, and many half-done requests in turn take each other's place in the processor's caches.
"""

import asyncio
from collections import deque
from contextvars import Context


class Turns:
    """Starts of requests on a loop, at most one in each of its iterations. How many run at the same time is not limited."""

    __slots__ = ("_context", "_loop", "_taken", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._context = Context()
        self._taken = False
        """Whether somebody starts in this iteration."""
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take the turn of this iteration, if nobody has."""
        if self._taken:
            return False
        self._taken = True
        self._loop.call_soon(self._next, context=self._context)
        return True

    async def wait(self) -> None:
        """Wait for one's turn; who is cancelled meanwhile is passed over."""
        turn = self._loop.create_future()
        self._waiting.append(turn)
        await turn

    def _next(self) -> None:
        """Give the turn to the first that still waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._loop.call_soon(self._next, context=self._context)
                return
        self._taken = False
