"""A server of the suite's own, which does nothing but wait, if that: for the generator's ceiling, and as an upstream service."""

import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.machinery.absent import surroundings
from benchmarks.machinery.supervised import supervise
from benchmarks.under_load.driver import DriverError
from benchmarks.under_load.server import free_port

START_SECONDS = 10.0


@contextmanager
def trivial_server(cores: Sequence[int], milliseconds: int = 0) -> Iterator[int]:
    """Its port, until leaving; it answers after so many milliseconds. Raises `DriverError`."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.under_load._trivial", str(port), str(milliseconds)]
    with supervise(command, surroundings(["numpy"]), cores):
        _wait_for(port)
        yield port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise DriverError(f"the suite's own server did not start within {START_SECONDS:g} s") from None
            time.sleep(0.02)
        else:
            return
