"""The sync counterpart of the portal: it calls functions directly, and closes connections at exit. Written by hand."""

import atexit
import os
import weakref
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

__all__ = ("Portal", "core")

P = ParamSpec("P")
R = TypeVar("R")


class Portal:
    """Calls functions, and owns the app's engines."""

    def __init__(self) -> None:
        self._engines: list[Engine] = []
        self._inherited: list[Any] = []
        _portals.add(self)

    def own(self, engine: Engine) -> None:
        """Have the engine's connections closed at exit, and left to the parent after a fork."""
        self._engines.append(engine)

    def call(self, func: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """``func(*args, **kwargs)``."""
        return func(*args, **kwargs)

    run = run_briefly = call

    def close(self) -> None:
        """Close the connections; the engines stay usable."""
        for engine in self._engines:
            engine.dispose()

    def forget(self) -> None:
        """In a forked child: let go of the parent's connections without touching them."""
        for engine in self._engines:
            self._inherited.append(engine.pool)
            engine.dispose(close=False)


def core(session: Session) -> Session:
    """The session: there is no other behind it."""
    return session


_portals: weakref.WeakSet[Portal] = weakref.WeakSet()


@atexit.register
def _close() -> None:
    for portal in list(_portals):
        portal.close()


def _after_fork() -> None:
    for portal in list(_portals):
        portal.forget()


os.register_at_fork(after_in_child=_after_fork)
