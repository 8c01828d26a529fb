"""Where a request runs under ASGI: its view decides for all of it, from the session's opening to the last teardown.

An ``async def`` view: on the server's loop. A plain ``def`` view: in a worker thread, as under a WSGI server, so that what blocks
there keeps nobody else waiting. What matches no view, such as a 404: in a thread, unless all views are for the loop.
"""

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from flask.views import MethodView

F = TypeVar("F", bound=Callable[..., Any])
_ON_LOOP = f"{__package__}.on_loop"


def on_loop(view: F) -> F:
    """Have requests for a plain ``def`` view run on the server's loop nevertheless.

    For a view that takes microseconds, which a change of threads would double, and for one whose synchronous session waits on an
    asynchronous engine. It stands below the decorators that register the view, and can be one of a class-based view's.
    """
    setattr(view, _ON_LOOP, True)
    return view


def runs_on_loop(view: Any, method: str) -> bool:
    """Whether a request of this method for the view runs on the server's loop.

    What Flask calls counts, as it does for ``ensure_sync``: a plain function that wraps a coroutine function is plain. Of a
    class-based view without decorators it is the method that the class's own function calls.
    """
    cls = getattr(view, "view_class", None)
    if cls is None or cls.decorators or hasattr(view, "__wrapped__") or hasattr(view, _ON_LOOP):
        return hasattr(view, _ON_LOOP) or iscoroutinefunction(view)
    if cls.dispatch_request is not MethodView.dispatch_request:
        return runs_on_loop(cls.dispatch_request, method)
    called = getattr(cls, method.lower(), None) or (getattr(cls, "get", None) if method == "HEAD" else None)
    if called is None:  # OPTIONS, which Flask answers
        return all(runs_on_loop(getattr(cls, name.lower()), name) for name in cls.methods)
    return runs_on_loop(called, method)
