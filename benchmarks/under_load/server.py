"""A contender's server, started for a trial and proven to be the one that answers."""

import errno
import http.client
import json
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil

from benchmarks.errors import BenchmarkError
from benchmarks.machinery.absent import surroundings
from benchmarks.machinery.child import ChildError
from benchmarks.machinery.reasons import without_reprs
from benchmarks.machinery.supervised import Supervised, supervise
from benchmarks.subjects.apps import COLLECTIONS_PATH, TOKEN_PATH, TOKEN_VARIABLE
from benchmarks.subjects.contenders import Contender

START_SECONDS = 90.0
"""Of servers that start side by side on cores that others use too: five took 17 s there."""
TRIES = 3
"""Ports on which a server is started when others are taken from under its nose."""
_given: set[int] = set()
EXCEPTION = re.compile(r"^(?:[\w.]*\.)?(\w*(?:Error|Exception|Exit|Interrupt|Timeout|Warning)\b: .+)$", re.MULTILINE)


class ServerError(BenchmarkError):
    """A server did not start; the message says why in one line."""


class PortTakenError(ServerError):
    """Somebody else has got the port since it was found to be free."""


@dataclass(frozen=True)
class ContenderServer:
    """A server that answers on `port` of 127.0.0.1, `start_seconds` after it was started."""

    contender: Contender
    port: int
    start_seconds: float
    process: Supervised

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return psutil.pid_exists(self.process.pid) and psutil.Process(self.process.pid).status() != psutil.STATUS_ZOMBIE

    @property
    def last_error(self) -> str | None:
        """The last exception that it wrote about, in one line, or that it crashed."""
        found = EXCEPTION.findall(output := self.process.output)
        if "SIGSEGV" in output or "Segmentation fault" in output:
            return "the worker crashed: SIGSEGV"
        return without_reprs(found[-1])[:200] if found else None


@contextmanager
def serving(
    contender: Contender, settings: Mapping[str, str], cores: Sequence[int] = (), port: int | None = None
) -> Iterator[ContenderServer]:
    """Start the contender with the app's settings (of `SETTINGS` and `Contender.settings`), on a free port if none is given.

    Raises:
        ServerError: the port given is taken; the server ended or stayed silent instead of answering; something else answers.
    """
    environment = {f"CATALOG_{name}": value for name, value in settings.items()} | surroundings(contender.needs)
    environment |= {TOKEN_VARIABLE: secrets.token_hex(), "PYTHONWARNINGS": "ignore"}
    given = require_free(port) if port else None
    with ExitStack() as stack:
        for left in reversed(range(1 if given else TRIES)):
            try:
                server = stack.enter_context(_started(contender, environment, cores, given or free_port()))
                break
            except PortTakenError:
                if not left:
                    raise
        yield server


@contextmanager
def _started(contender: Contender, environment: Mapping[str, str], cores: Sequence[int], port: int) -> Iterator[ContenderServer]:
    began = time.monotonic()
    try:
        with supervise(contender.command(port, "{folder}"), environment, cores) as process:
            server = ContenderServer(contender, port, 0.0, process)
            _wait_for(server, environment[TOKEN_VARIABLE])
            yield ContenderServer(contender, port, time.monotonic() - began, process)
    except ChildError as error:
        raise ServerError(f"{contender.name} did not start: {error}") from None


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on, and that was not given before: servers start side by side."""
    with ExitStack() as held:
        while True:
            listener = held.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = int(listener.getsockname()[1])
            if port not in _given:
                _given.add(port)
                return port


def require_free(port: int) -> int:
    """The port, on which nobody listens. Raises `ServerError`."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return port
    except OSError as error:
        raise ServerError(f"port {port} cannot be had: {os.strerror(error.errno or 0)}; choose another one") from None


def _wait_for(server: ContenderServer, token: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while (answer := _get(server.port, TOKEN_PATH)) != token:
        if answer is not None and server.alive:
            time.sleep(0.2)  # it may be the old listener's last answer, but not twice
            if (again := _get(server.port, TOKEN_PATH)) is not None and again != token:
                raise PortTakenError(f"{server.contender.name} did not start: something else answers on port {server.port}")
        if not server.alive:
            output = server.process.output
            if os.strerror(errno.EADDRINUSE).lower() in output.lower():
                raise PortTakenError(f"{server.contender.name} did not start: port {server.port} was taken")
            last = server.last_error or output.strip().rpartition("\n")[2] or "without a word"
            raise ServerError(f"{server.contender.name} ended instead of answering: {last}")
        if time.monotonic() > deadline:
            raise ServerError(f"{server.contender.name} did not answer within {START_SECONDS:g} s")
        time.sleep(0.02)


def collections(server: ContenderServer) -> list[tuple[float, float]] | None:
    """When its collections of the oldest generation began, on the clock time.monotonic(), and how many seconds they took.

    None where it does not say.
    """
    try:
        return [(float(began), float(seconds)) for began, seconds in json.loads(_get(server.port, COLLECTIONS_PATH) or "")]
    except (ValueError, TypeError):
        return None


def _get(port: int, path: str) -> str | None:
    """What the server there says, nothing where it refuses; None where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.read().decode("latin-1") if response.status == 200 else ""
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
