"""One request as servers pass it to an app, and one answer."""

import io
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from benchmarks.load import Request

Message = MutableMapping[str, Any]
"""ASGI's."""

HOST = "127.0.0.1"
HEADERS = {"Host": HOST, "User-Agent": "benchmarks", "Accept": "application/json"}


class WrongAnswerError(Exception):
    """An app answered with another status, or with a body that is not right."""


@dataclass
class Reply:
    """What came back to one request."""

    request: Request
    status: int = 0
    chunks: list[bytes] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(self.chunks)

    def require(self, *, body: bool) -> None:
        """Raise `WrongAnswerError` if the status is wrong or, where asked for, the `body`."""
        if self.status != self.request.status:
            detail = self.body[:200].decode(errors="replace").strip()
            raise WrongAnswerError(f"{self.request.method} {self.request.path}: status {self.status}, {detail}")
        if body and (wrong := self.request.wrong(self.body)):
            raise WrongAnswerError(f"{self.request.method} {self.request.path}: {wrong}")


def environ(request: Request) -> dict[str, Any]:
    """What a WSGI server would pass (PEP 3333)."""
    path, _, query = request.path.partition("?")
    values: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path),
        "QUERY_STRING": query,
        "SERVER_NAME": HOST,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": HOST,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in _headers(request).items():
        key = name.upper().replace("-", "_")
        values[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    return values


def scope(request: Request) -> Message:
    """What an ASGI server would pass (ASGI 3, HTTP)."""
    path, _, query = request.path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in _headers(request).items()],
        "client": (HOST, 40_000),
        "server": (HOST, 80),
        "unread": True,
    }


def _headers(request: Request) -> dict[str, str]:
    length = {"Content-Length": str(len(request.body))} if request.body else {}
    return {**HEADERS, **request.headers, **length}
