"""What a thread is doing, for a line in the log."""

import sys
import sysconfig
from pathlib import Path
from traceback import extract_stack
from types import FrameType
from typing import Any

_NOT_OF_THE_APP = (f"{Path(__file__).parent}/", f"{sysconfig.get_path('stdlib')}/", "<frozen ")
_INSTALLED = ("/site-packages/", "/dist-packages/")


def blame(thread: int | None) -> str:
    """The request that the thread with this identifier works for, and the line: the innermost of the app's own, if any."""
    innermost = sys._current_frames().get(thread or 0)  # noqa: SLF001 - public, but for its name
    if innermost is None:
        return "nothing any more"
    stack = extract_stack(innermost)
    own = [
        one
        for one in stack
        if not one.filename.startswith(_NOT_OF_THE_APP) and not any(folder in one.filename for folder in _INSTALLED)
    ]
    at = (own or stack)[-1]
    frame: FrameType | None = innermost
    environ: Any = None
    while frame is not None and not _is_wsgi(environ := frame.f_locals.get("environ")):
        frame = frame.f_back
    request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}" if frame is not None else "no request"
    return f'{request}, in {at.name}: {at.line} (File "{at.filename}", line {at.lineno})'


def _is_wsgi(environ: object) -> bool:
    """Whether it is a request's, and not what the app or somebody else calls so."""
    return isinstance(environ, dict) and {"REQUEST_METHOD", "PATH_INFO"} <= environ.keys()
