"""The runtime under real servers, for entries whose steps need one."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep

import uvicorn
from werkzeug.serving import WSGIRequestHandler, make_server

from benchmarks.hazards.wiring import NativeFlask
from flask_oneloop import AsyncFlask

SECONDS = 25.0
"""How long a server may take to begin, and to answer: more than any does, but less than a side may take."""
NATIVE = ("uvicorn", "app:asgi", "--port={port}", "--log-level=critical")
APP = """
from flask_oneloop import AsyncFlask, asgi_app

app = AsyncFlask(__name__)
asgi = asgi_app(app)
"""
"""How an app begins that is `served`."""


class KeepAlive(WSGIRequestHandler):
    """Keeps connections open, as other servers do."""

    protocol_version = "HTTP/1.1"


@contextmanager
def serving(app: AsyncFlask) -> Iterator[tuple[str, int]]:
    """Serve the app in a thread until leaving, natively under uvicorn or on threads; yield the address.

    The server is told to end and waited for: an interpreter that ends under a thread in uvloop may crash.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    run: Callable[[], object]
    end: Callable[[], object]
    if isinstance(app, NativeFlask):
        native = uvicorn.Server(uvicorn.Config(app.asgi, log_level="critical"))
        run, end = partial(native.run, [listener]), partial(setattr, native, "should_exit", True)
    else:
        server = make_server("127.0.0.1", 0, app, threaded=True, fd=listener.fileno(), request_handler=KeepAlive)
        run, end = server.serve_forever, server.shutdown
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        end()
        thread.join(SECONDS)


@contextmanager
def served(source: str, app: AsyncFlask, *loop: str, native: Sequence[str] = NATIVE) -> Iterator[int]:
    """Write `app.py`, which is `APP` and the source, run a server's command there until leaving; yield its port, for `{port}`.

    The command is `native` where the app is, else `loop`.
    """
    Path("app.py").write_text(APP + source)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    command = native if isinstance(app, NativeFlask) else loop
    with subprocess.Popen([sys.executable, "-m", *(part.format(port=port) for part in command)]) as process:
        try:
            yield port
        finally:
            process.terminate()


def at_once(app: AsyncFlask, paths: Sequence[str], clients: int | None = None) -> list[int]:
    """The statuses of GETs by the test client, all of them at the same time, or by so many clients."""
    with ThreadPoolExecutor(clients or len(paths)) as pool:
        return list(pool.map(lambda path: app.test_client().get(path).status_code, paths))


def ask(port: int, path: str) -> tuple[int, str]:
    """Status and body, once the server is there. Raises `OSError` if it does not answer within `SECONDS`."""
    deadline = monotonic() + SECONDS
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except ConnectionError:
            if monotonic() > deadline:
                raise
            sleep(0.05)
        finally:
            connection.close()
