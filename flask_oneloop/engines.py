"""Synchronous engines: closed when the process exits, at the latest, and left to the parent after a fork."""

import atexit
import os
from collections.abc import Callable
from weakref import WeakSet

from sqlalchemy import Engine

from .loop import keep_for_ever

__all__ = ("SynchronousEngines",)


class SynchronousEngines:
    """Those of one app."""

    def __init__(self) -> None:
        self._engines: list[Engine] = []
        _all.add(self)

    def own(self, engine: Engine) -> None:
        """Add one."""
        self._engines.append(engine)

    def close(self) -> None:
        """Close their connections; the engines stay usable."""
        for engine in self._engines:
            engine.dispose()

    def forget(self) -> None:
        """In a forked child: let go of the parent's connections without touching them."""
        for engine in self._engines:
            keep_for_ever(engine.pool)
            engine.dispose(close=False)


_all: WeakSet[SynchronousEngines] = WeakSet()


def _each(method: Callable[[SynchronousEngines], None]) -> None:
    for engines in list(_all):
        method(engines)


atexit.register(_each, SynchronousEngines.close)
os.register_at_fork(after_in_child=lambda: _each(SynchronousEngines.forget))
