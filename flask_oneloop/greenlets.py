"""Greenlets for requests, used again: with each new one the kernel maps, clears and unmaps a stack for its Python frames."""

import sys
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet

KEPT = 64
"""That wait for a next request, at most."""


class Greenlets:
    """Greenlets in which synchronous code can wait by :func:`sqlalchemy.util.await_`, as in those of ``greenlet_spawn``."""

    __slots__ = ("_driver", "_idle")

    def __init__(self) -> None:
        self._driver: Any = None
        """The greenlet in which the loop runs: their parent."""
        self._idle: list[_Greenlet] = []

    async def run(self, func: Callable[..., object], *args: Any) -> None:
        """Call it in one of them, in the caller's context.

        Raises:
            BaseException: what it raises.
        """
        driver: Any = getcurrent()
        if driver is not self._driver:  # the loop goes on in another thread
            self._driver, self._idle = driver, []
        one = self._idle.pop() if self._idle else _new(driver)
        one.gr_context = driver.gr_context
        result = one.switch(func, args)
        while result is not one.done:
            try:
                value = await result
            except BaseException:  # noqa: BLE001 - a cancellation, too, is the function's to handle
                result = one.throw(*sys.exc_info())
            else:
                result = one.switch(value)
        one.gr_context = None
        if driver is self._driver and len(self._idle) < KEPT:
            self._idle.append(one)


class _Greenlet(greenlet):  # type: ignore[misc]
    __sqlalchemy_greenlet_provider__ = True
    done: object
    """What it says at the end of a call: nothing that another says, for a call may be collected, and so end, during another."""


def _new(driver: Any) -> _Greenlet:
    one = _Greenlet(_serve, driver)
    one.done = one.switch()  # without arguments: a greenlet keeps its first ones until it ends
    return one


def _serve() -> None:
    """Call what comes, one after the other. What raises ends the greenlet, whose frames its traceback keeps."""
    driver: Any = getcurrent().parent
    done = object()
    while True:
        func, args = driver.switch(done)
        func(*args)
        del func, args
