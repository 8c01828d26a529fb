"""Asking a server over HTTP, and what it answers."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

R = TypeVar("R")

PATIENCE = 30.0
"""Seconds until something that should happen soon is taken not to happen at all."""


class Answer(NamedTuple):
    """A response; ``headers`` in their order, with duplicates."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """The values of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """A persistent connection to a server on 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def ask(self, path: str, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a request; a body that is an iterator of bytes goes out chunked."""
        self.connection.request(method, path, body, dict(headers or {}))
        response = self.connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())


def ask_server(port: int, path: str, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
    """One request on a connection of its own."""
    with Client(port) as client:
        return client.ask(path, method, body, headers)


def open_socket(port: int, request: bytes, receive_buffer: int | None = None) -> socket.socket:
    """A connection on which the request has been sent, for what an HTTP client would not do."""
    connection = socket.socket()
    try:
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", port))
        connection.sendall(request)
    except BaseException:
        connection.close()
        raise
    return connection


def get(path: str) -> bytes:
    """The bytes of a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Poll until it is true; fail with ``what`` was expected."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never seen: {what}"
        time.sleep(0.01)


def in_background(func: Callable[[], R]) -> Future[R]:
    """Call it in a thread of its own, which is given up when it hangs."""
    result: Future[R] = Future()

    def run() -> None:
        try:
            result.set_result(func())
        except BaseException as error:  # noqa: BLE001 - it is raised in the waiting thread
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return result


def in_time(func: Callable[[], R]) -> R:
    """What it returns or raises; a ``TimeoutError`` if it hangs."""
    return in_background(func).result(PATIENCE)
