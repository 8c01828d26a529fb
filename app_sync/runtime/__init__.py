"""What the app takes from its runtime, without an event loop. Written by hand, but for ``sessions``."""

from collections.abc import Generator, Iterator
from typing import TypeVar

from .sessions import AdvancedAlchemy, Flask

__all__ = ("AdvancedAlchemy", "Flask", "stream")

T = TypeVar("T")


def stream(source: Generator[T, None, None]) -> Iterator[T]:
    """A generator is a WSGI response body as it is."""
    return source
