"""Real web servers in processes of their own, for tests and benchmarks.

    with serve("gunicorn", "package.module:app", "--threads", "16", env={"DATABASE_URL": url}) as server:
        urllib.request.urlopen(server.url)

A server listens on a free port of 127.0.0.1. It counts as started when it answers HTTP and the listening socket belongs
to the processes started here: one that was left over from another run is never taken for it.
"""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from benchmarks.machinery.absent import surroundings
from tests.forked import Process, start

ROOT: Final = Path(__file__).parents[1]
START_SECONDS: Final = 60.0
TRIES: Final = 3
"""Ports on which a server is started when others are taken from under its nose."""
STOP_SECONDS: Final = 30.0
"""How long a server may take to end after SIGTERM; then its process group is killed, and that is an error."""

_GUNICORN = ("gunicorn", "--bind", "127.0.0.1:{port}", "--no-control-socket")
_FLASK = ("flask", "--app", "{app}", "run", "--port", "{port}")
WSGI: Final[Mapping[str, Sequence[str]]] = {
    "gunicorn": (*_GUNICORN, "--worker-class", "gthread", "--threads", "8", "...", "{app}"),
    "gunicorn-one-thread": (*_GUNICORN, "--worker-class", "gthread", "--threads", "1", "...", "{app}"),
    "gunicorn-sync": (*_GUNICORN, "--worker-class", "sync", "...", "{app}"),
    "gunicorn-gevent": (*_GUNICORN, "--worker-class", "gevent", "...", "{app}"),
    "gunicorn-preload": (
        *_GUNICORN,
        "--worker-class",
        "gthread",
        "--threads",
        "4",
        "--workers",
        "2",
        "--preload",
        "...",
        "{app}",
    ),
    "waitress": ("waitress", "--listen", "127.0.0.1:{port}", "--threads", "8", "...", "{app}"),
    "flask": (*_FLASK, "..."),
    "flask-debug": (*_FLASK, "--debug", "..."),
}
"""Command lines after ``python -m``, for an app that is a Flask object; ``...`` stands for further arguments."""
ASGI: Final[Mapping[str, Sequence[str]]] = {
    "uvicorn": ("uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log", "...", "{app}"),
    "hypercorn": ("hypercorn", "--workers", "0", "--bind", "127.0.0.1:{port}", "...", "{app}"),
    "granian": ("granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}", "...", "{app}"),
}
"""The same for an ASGI application. hypercorn's workers would import it all anew: without any it serves itself."""
_UVICORN = ASGI["uvicorn"][:-2]
_HTTP2 = ("--http-protocols", "h1,h2", "--http2-cleartext", "both")
ASGI_VARIANTS: Final[Mapping[str, Sequence[str]]] = {
    **{
        f"uvicorn-{http}-{loop}": (*_UVICORN, "--http", http, "--loop", loop, "...", "{app}")
        for http in ("httptools", "h11")
        for loop in ("uvloop", "asyncio")
    },
    "gunicorn-asgi": (*_GUNICORN, "--worker-class", "asgi", *_HTTP2, "...", "{app}"),
}
"""Other ways to serve one, which differ in whose context a request begins in."""
KINDS: Final[Mapping[str, Sequence[str]]] = {**WSGI, **ASGI, **ASGI_VARIANTS}
STARTED: Final = ("gunicorn-gevent", "flask-debug")
"""Kinds that are started from nothing: gevent patches what is imported later, and a reloader starts itself anew."""


class ServerError(Exception):
    """A server did not start or did not end; the message says why and ends with what it wrote."""


class PortTakenError(ServerError):
    """Somebody else has got the port since it was found to be free."""


class Server:
    """A running server. ``url`` has no slash at its end; ``process`` is the one that was started, parent of all workers."""

    def __init__(self, kind: str, process: subprocess.Popen[bytes] | Process, port: int, output: Path) -> None:
        self.kind = kind
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._output = output

    @property
    def output(self) -> str:
        """What it has written to stdout and stderr so far."""
        return self._output.read_text(errors="replace")

    def processes(self) -> list[psutil.Process]:
        """The started process and its descendants that live."""
        try:
            started = psutil.Process(self.process.pid)
            return [started, *started.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def stop(self, seconds: float = STOP_SECONDS) -> float:
        """Send SIGTERM and wait for the end; how long it took, in seconds. An ended server is left alone.

        Raises:
            ServerError: if it had to be killed, or left a process of its group behind, which is killed.
        """
        began = time.monotonic()
        if self.process.returncode is None:
            workers = self.processes()[1:]
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
            _, left = psutil.wait_procs(workers, timeout=max(0.0, began + seconds - time.monotonic()))
            if left or self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
                raise ServerError(f"the server did not end within {seconds:g} s of SIGTERM; it wrote:\n{self.output}")
        return time.monotonic() - began


@contextmanager
def serve(
    kind: str | Sequence[str], app: str, *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[Server]:
    """Start a server, wait until it answers ``GET /`` with any status, and end it on leaving.

    Args:
        kind: one of `KINDS`, or a command line like theirs.
        app: ``module:attribute``. The module is looked for in ``PYTHONPATH`` and then in the root of this repository.
        arguments: further ones for the command line.
        env: variables on top of this process's.
        cwd: the working folder; an empty temporary one by default, for some servers import from it.

    Raises:
        ServerError: if it ends or stays silent instead of answering, or does not end when it should.
    """
    with ExitStack() as stack:
        for left in reversed(range(TRIES)):
            try:
                server = stack.enter_context(_started(kind, app, arguments, env, cwd))
                break
            except PortTakenError:
                if not left:
                    raise
        yield server


@contextmanager
def _started(
    kind: str | Sequence[str], app: str, arguments: Sequence[str], env: Mapping[str, str] | None, cwd: Path | None
) -> Iterator[Server]:
    port = free_port()
    argv: list[str] = []
    for part in KINDS[kind] if isinstance(kind, str) else kind:
        argv += arguments if part == "..." else [part.format(port=port, app=app)]
    variables = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1", **(env or {})}
    variables |= surroundings(path=os.pathsep.join(filter(None, [variables.get("PYTHONPATH"), str(ROOT)])))
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        empty = Path(folder, "cwd")
        empty.mkdir()
        with output.open("wb") as file:
            process = _begun(kind, argv, cwd or empty, variables, file.fileno())
        server = Server(kind if isinstance(kind, str) else kind[0], process, port, output)
        try:
            _wait_until_it_answers(server)
            yield server
        except BaseException:
            with suppress(ServerError):
                server.stop()
            raise
        server.stop()


def _begun(
    kind: str | Sequence[str], argv: Sequence[str], cwd: Path, env: Mapping[str, str], output: int
) -> subprocess.Popen[bytes] | Process:
    if kind in STARTED:
        command = [sys.executable, "-m", *argv]
        return subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, process_group=0
        )
    return start(["-m", *argv], cwd=cwd, env=env, stdout=output, stderr=output)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_until_it_answers(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (_answers(server.port) and _listens(server)):
        if (status := server.process.poll()) is not None:
            kind = PortTakenError if re.search(r"\bin use\b", server.output) else ServerError
            raise kind(f"the server ended with status {status} instead of answering; it wrote:\n{server.output}")
        if time.monotonic() > deadline:
            raise ServerError(f"the server did not answer within {START_SECONDS:g} s; it wrote:\n{server.output}")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _listens(server: Server) -> bool:
    for process in server.processes():
        with suppress(psutil.NoSuchProcess):
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.port == server.port:
                    return True
    return False
