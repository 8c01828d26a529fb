"""Where a request runs under ASGI: its view decides for all of it, from the session's opening to the last teardown.

An ``async def`` view: on the server's loop. A plain ``def`` view: in a worker thread, as under a WSGI server, so that what blocks
there keeps nobody else waiting. What matches no view, such as a 404: in a thread.
"""

from collections.abc import Callable, Iterator
from inspect import iscoroutinefunction
from typing import Any, TypeVar

__all__ = ("on_loop", "runs_on_loop")

F = TypeVar("F", bound=Callable[..., Any])
_ON_LOOP = f"{__package__}.on_loop"


def on_loop(view: F) -> F:
    """Have requests for a plain ``def`` view run on the server's loop nevertheless.

    For a view that takes microseconds, which a change of threads would double, and for one whose synchronous session waits on an
    asynchronous engine. It stands below the decorators that register the view, and can be one of a class-based view's.
    """
    setattr(view, _ON_LOOP, True)
    return view


def runs_on_loop(view: Callable[..., Any], method: str) -> bool:
    """Whether a request of this method for the view runs on the server's loop.

    A function that wraps a coroutine function (``functools.wraps``), such as ``login_required``'s, calls it by ``ensure_sync``:
    it belongs where that runs. A class-based view decides method by method.
    """
    return any(hasattr(layer, _ON_LOOP) or iscoroutinefunction(layer) for layer in _layers(view, method))


def _layers(view: Any, method: str) -> Iterator[Any]:
    """The function, what it wraps, and what of a view's class it calls."""
    cls = getattr(view, "view_class", None)
    while view is not None:
        yield view
        view = getattr(view, "__wrapped__", None)
    if cls is not None:
        names = (method.lower(), *(["get"] if method == "HEAD" else []), "dispatch_request")
        yield from _layers(next((found for name in names if (found := getattr(cls, name, None)) is not None), None), method)
