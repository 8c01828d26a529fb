"""The WSGI environ of a request is the same under ASGI servers as under gunicorn."""

import asyncio
import json
from typing import Any

import pytest
from flask import request

from flask_oneloop import AsyncFlask, asgi_app
from tests.library.answers import open_socket
from tests.library.conftest import Serving
from tests.servers import ASGI, Server, serve

OWN = {"SERVER_SOFTWARE", "RAW_URI", "gunicorn.socket", "REMOTE_PORT", "SERVER_PORT", "HTTP_HOST", "wsgi.input_terminated"}
"""What is a server's own, or differs from one connection to the next."""

REQUESTS = {
    "plain": b"GET /environ/a/b?x=1&y=%20z HTTP/1.1\r\nHost: localhost\r\n",
    "no query": b"GET /environ/a? HTTP/1.1\r\nHost: localhost\r\n",
    "percent-encoded": b"GET /environ/caf%C3%A9/%E2%82%AC%20x HTTP/1.1\r\nHost: localhost\r\n",
    "encoded slash and percent": b"GET /environ/a%2Fb%25c%2541 HTTP/1.1\r\nHost: localhost\r\n",
    "invalid UTF-8": b"GET /environ/%FF%FEx HTTP/1.1\r\nHost: localhost\r\n",
    "odd characters": b"GET /environ/a;b,c:d@e!$&'()*+= HTTP/1.1\r\nHost: localhost\r\n",
    "two slashes": b"GET /environ/a//b/ HTTP/1.1\r\nHost: localhost\r\n",
    "encoded query": b"GET /environ/?q=%FF&r=caf%C3%A9+x HTTP/1.1\r\nHost: localhost\r\n",
    "HTTP/1.0": b"GET /environ/a HTTP/1.0\r\nHost: localhost\r\n",
    "repeated header": b"GET /environ/a HTTP/1.1\r\nHost: localhost\r\nX-Two: 1\r\nx-two: 2\r\nAccept: a\r\nAccept: b\r\n",
    "underscores": b"GET /environ/a HTTP/1.1\r\nHost: localhost\r\nX_Forwarded_For: 6.6.6.6\r\nX-Kept: 1\r\n",
    "latin-1": b"GET /environ/a HTTP/1.1\r\nHost: localhost\r\nX-Latin: caf\xe9\r\n",
    "cookies": b"GET /environ/a HTTP/1.1\r\nHost: localhost\r\nCookie: a=1; b=2\r\n",
    "forwarded": b"GET /environ/a HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Prefix: /p\r\nX-Forwarded-Host: h\r\n",
    "other method": b"DELETE /environ/a HTTP/1.1\r\nHost: localhost\r\n",
    "body": b"POST /environ/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Type: text/x; charset=utf-8\r\n",
}


def environ(port: int, request: bytes) -> tuple[int, dict[str, Any]]:
    """Status and what the view saw of a request."""
    with open_socket(port, request + b"Connection: close\r\n\r\n") as connection:
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1])
    if b"ransfer-encoding: chunked" in head.lower():
        body = b"".join(body.split(b"\r\n")[1::2])
    return status, json.loads(body) if status == 200 else {}


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("kind", ASGI)
def test_environ_is_gunicorns(serving: Serving, kind: str, name: str) -> None:
    status, expected = environ(serving.start("gunicorn").port, REQUESTS[name])
    assert status == 200
    status, seen = environ(serving.start(kind).port, REQUESTS[name])
    assert status == 200
    if kind == "granian" and name == "HTTP/1.0":
        assert seen.pop("SERVER_PROTOCOL") == "HTTP/1"  # it says so itself; the ASGI specification asks for "1.0"
        del expected["SERVER_PROTOCOL"]
    assert {k: v for k, v in seen.items() if k not in OWN} == {k: v for k, v in expected.items() if k not in OWN}


@pytest.fixture(scope="module", params=["uvicorn", "hypercorn"])
def mounted(request: pytest.FixtureRequest, serving: Serving) -> Any:
    """A server that is told its application's place."""
    env = serving.env
    with serve(request.param, "tests.library.app_served:asgi", "--root-path", "/api", env=env) as server:
        yield server, request.param


def test_root_path_is_the_script_name(mounted: tuple[Server, str]) -> None:
    """uvicorn puts it before the path itself, hypercorn leaves the path as the proxy sent it."""
    server, kind = mounted
    for path, rest in ((b"/environ/x", "x"), (b"/environ/api/x", "api/x"), (b"/environ/caf%C3%A9", "caf\xe9")):
        for prefix in (b"",) if kind == "uvicorn" else (b"", b"/api"):
            status, seen = environ(server.port, b"GET %s%s HTTP/1.1\r\nHost: localhost\r\n" % (prefix, path))
            assert (status, seen["SCRIPT_NAME"], seen["rest"]) == (200, "/api", rest)


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        ("", "/x", ("", "/x")),
        ("/api", "/api/x", ("/api", "/x")),
        ("/api", "/api", ("/api", "")),
        ("/api", "/x", ("/api", "/x")),
        ("/api", "/apiary", ("/api", "/apiary")),
        ("/caf\xe9", "/caf\xe9/x", ("/caf\xc3\xa9", "/x")),
    ],
)
def test_root_path_is_cut_at_a_slash_only(root: str, path: str, expected: tuple[str, str]) -> None:
    app = AsyncFlask("probe")
    seen: list[tuple[str, str]] = []

    @app.before_request
    def note() -> str:
        seen.append((request.environ["SCRIPT_NAME"], request.environ["PATH_INFO"]))
        return ""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(_: object) -> None: ...

    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path, "root_path": root, "headers": []}
    asyncio.run(asgi_app(app)(scope, receive, send))
    assert seen == [expected]
