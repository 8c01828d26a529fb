"""From an ASGI scope to a WSGI environ."""

import io
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import unquote_to_bytes

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SPOOL_BYTES = 1 << 20
"""Request bodies up to this many bytes are kept in memory, larger ones in a temporary file."""

_DROPPED = "HTTP_"
"""Where headers go that nobody shall see."""


def build_environ(scope: Scope) -> dict[str, Any]:
    """The WSGI environ (PEP 3333) of an ASGI HTTP scope, without ``wsgi.input``.

    Headers whose name has an underscore are dropped, as gunicorn does: ``X_Forwarded_For`` would pass for ``X-Forwarded-For``.
    """
    path, script = _paths(scope)
    host, port = scope.get("server") or ("localhost", 80)
    address, client_port = scope.get("client") or ("", None)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": script,
        "PATH_INFO": path,
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "REMOTE_ADDR": address,
        _DROPPED: "",
    }
    if client_port is not None:
        environ["REMOTE_PORT"] = str(client_port)
    for name, value in scope["headers"]:
        key = _environ_key(name)
        if key not in environ:
            environ[key] = value.decode("latin-1")
        else:
            environ[key] += f"{'; ' if key == 'HTTP_COOKIE' else ','}{value.decode('latin-1')}"
    del environ[_DROPPED]
    if port is None:  # a Unix socket, whose path would be the name
        environ["SERVER_NAME"], environ["SERVER_PORT"] = "localhost", "443" if environ["wsgi.url_scheme"] == "https" else "80"
    return environ


def _paths(scope: Scope) -> tuple[str, str]:
    """``PATH_INFO`` and ``SCRIPT_NAME``: the bytes of the URL, decoded as latin-1."""
    path = scope["path"]
    raw_path = scope.get("raw_path") or b""
    if b"%" in raw_path or not path.isascii() or "%" in path:
        raw = unquote_to_bytes(raw_path)
        if raw.decode(errors="replace") != path:  # middleware has changed the path alone
            raw = path.encode()
        path = raw.decode("latin-1")
    if not (root := scope.get("root_path", "")):
        return path, ""
    if not root.isascii():
        root = root.encode().decode("latin-1")
    if path == root or path.startswith(f"{root.rstrip('/')}/"):
        path = path[len(root.rstrip("/")) :]
    return path, root


@lru_cache(maxsize=512)
def _environ_key(name: bytes) -> str:
    if b"_" in name:
        return _DROPPED
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"


def may_have_body(scope: Scope, environ: dict[str, Any]) -> bool:
    """Whether the request may have a body: HTTP/1 announces it, a stream of HTTP/2 need not."""
    return "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ or scope["http_version"] not in {"1.0", "1.1"}


async def read_body(environ: dict[str, Any], receive: Receive, limit: int | None) -> IO[bytes] | None:
    """The whole request body, or None if the client disconnects before its end.

    Async views read it while they hold no greenlet to wait in, so it has to be there before. A body over the limit is not read
    to its end; its length in the environ says so, and Flask answers 413. A body without a length gets one: werkzeug would
    cut it at the limit in silence.
    """
    length = environ.get("CONTENT_LENGTH")
    if limit is not None and length is not None and length.isdecimal() and int(length) > limit:
        return io.BytesIO()
    body: IO[bytes] = SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - the caller closes it
    more = True
    while more and (limit is None or body.tell() <= limit):
        message = await receive()
        if message["type"] == "http.disconnect":
            body.close()
            return None
        body.write(message.get("body", b""))
        more = message.get("more_body", False)
    if length is None and body.tell():
        environ["CONTENT_LENGTH"] = str(body.tell() + more)
        environ.pop("HTTP_TRANSFER_ENCODING", None)
    body.seek(0)
    return body
