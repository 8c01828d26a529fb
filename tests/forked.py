"""Processes of Python that have already imported what most of them import, which takes a second: one that has forks them.

    process = start(["-m", "uvicorn", "package.module:app"], cwd=folder, env=variables, stdout=number, stderr=number)

They are as those that are started with ``[sys.executable, *arguments]``: they have this folder, environment and path, these
arguments and outputs, and nothing of the project. The interpreter ends as it always does, but for most modules that they have
inherited: these are not taken apart. What has to come before all imports, as gevent's patches do, and what is about the start
itself cannot be tried with them.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from benchmarks.machinery.absent import surroundings

ROOT = Path(__file__).parents[1]
IMPORTED = (
    *("advanced_alchemy.extensions.flask", "advanced_alchemy.utils.fixtures", "aiosqlite", "asgiref.wsgi", "asyncpg"),
    *("flask.views", "flask_login", "flask_wtf", "psycopg", "sqlalchemy.dialects.sqlite.aiosqlite"),
    *("granian.cli", "gunicorn.app.wsgiapp", "gunicorn.workers.gthread", "hypercorn.run", "uvicorn", "waitress"),
)
"""Of others; none starts a thread, or does anything else, when it is imported."""
HOLDING = {
    *("__main__", "asyncio", "builtins", "concurrent", "logging", "subprocess", "sys", "tempfile", "threading", "weakref"),
    *("linecache", "tracemalloc", "warnings"),
}
"""Packages that a process may hang something on that is to be taken apart at its end, such as an event loop; and what warns."""
BYTES = 4
"""Of a number that is told."""
_starting = threading.Lock()


class Process:
    """What the tests use of `subprocess.Popen`."""

    def __init__(self, told: socket.socket) -> None:
        self._told = told
        self.pid = self._number()
        self.returncode: int | None = None

    def _number(self) -> int:
        if not (told := self._told.recv(BYTES)):
            raise ChildProcessError("the one that forks has ended")
        return int.from_bytes(told, "big", signed=True)

    def poll(self) -> int | None:
        """Its status, if it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its status, negative for a signal. Raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            self._told.settimeout(timeout)
            try:
                self.returncode = self._number()
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0) from None
            self._told.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self.send_signal(signal.SIGTERM)


def start(arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdout: int, stderr: int) -> Process:
    """Start one in a group of its own: ``-m module`` or ``-c code``, and more arguments. It has nothing to read."""
    told, teller = socket.socketpair()
    with teller, _starting:
        socket.send_fds(_parent(), [b"."], [stdout, stderr, teller.fileno()])
    told.sendall(json.dumps([arguments, str(cwd), dict(env)]).encode() + b"\n")
    return Process(told)


def run(arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """Start one and wait for its end, as `subprocess.run` does."""
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        process = start(arguments, cwd=cwd, env=env, stdout=stdout.fileno(), stderr=stderr.fileno())
        try:
            status = process.wait(timeout)
        finally:
            process.send_signal(signal.SIGKILL)
        stdout.seek(0)
        stderr.seek(0)
        return subprocess.CompletedProcess(arguments, status, stdout.read(), stderr.read())


@cache
def _parent() -> socket.socket:
    """Where the one that forks takes orders; it ends with this process."""
    ours, its = socket.socketpair()
    environment = {
        **os.environ,
        **surroundings(path=""),
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
        "PYTHONWARNINGS": "",
    }
    with its:
        command = [sys.executable, "-m", __name__]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=its.fileno(), stdout=2, start_new_session=True)
    atexit.register(process.wait)
    atexit.register(ours.close)  # first
    return ours


def main() -> None:
    """Fork for each order one that forks the process, and waits for it."""
    installed = sys.path[2:]  # behind this folder and the only one in `PYTHONPATH`
    inherited: dict[str, Any] = {}
    atexit.register(_leave, inherited)  # the last that is called, for it is the first
    for name in IMPORTED:
        import_module(name)
    for name in [name for name in sys.modules if name.partition(".")[0] in {"benchmarks", "tests"}]:
        del sys.modules[name]
    inherited |= {name: module for name, module in sys.modules.items() if name.partition(".")[0] not in HOLDING}
    inherited["itself"] = inherited  # a cycle that is frozen: nothing ever takes it apart
    gc.freeze()  # else each process would spend half a second at its end on collecting what it has inherited
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=0) as orders:
        while files := socket.recv_fds(orders, 1, 3)[1]:
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                orders.detach()
                with socket.socket(fileno=files.pop()) as asker, asker.makefile() as order:
                    arguments, folder, environment = json.loads(order.readline())
                    if pid := os.fork():
                        _watch(pid, asker, files)
                _become(folder, environment, files)
                _run(arguments, installed)
                return
            for file in files:
                os.close(file)


def _leave(inherited: Mapping[str, Any]) -> None:
    """At exit: leave these modules to the kernel. To take them apart takes longer than most of these processes do."""
    for name in inherited:
        sys.modules.pop(name, None)


def _watch(pid: int, asker: socket.socket, outputs: Sequence[int]) -> NoReturn:
    """Tell its number and, in the end, its status."""
    for file in outputs:
        os.close(file)
    with suppress(OSError):  # it does so itself, but somebody may ask for its group before; or it has ended
        os.setpgid(pid, pid)
    with suppress(OSError):
        asker.sendall(pid.to_bytes(BYTES, "big"))
        asker.sendall(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]).to_bytes(BYTES, "big", signed=True))
    os._exit(0)


def _become(folder: str, environment: Mapping[str, str], outputs: Sequence[int]) -> None:
    """Have a group, a folder, an environment and outputs of its own."""
    os.setpgid(0, 0)
    os.chdir(folder)
    for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), *outputs)):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    sys.warnoptions[:] = filter(None, environment.get("PYTHONWARNINGS", "").split(","))
    warnings._processoptions(sys.warnoptions)  # type: ignore[attr-defined]


def _run(arguments: Sequence[str], installed: Sequence[str]) -> None:
    """Do what an interpreter does with these arguments."""
    way, what, *others = arguments
    sys.argv = [way, *others]
    places = [*filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    sys.path[:] = [str(Path.cwd()) if way == "-m" else "", *places, *(place for place in installed if place not in places)]
    main = sys.modules["__main__"] = ModuleType("__main__")
    if way == "-m":
        runpy._run_module_as_main(what)  # type: ignore[attr-defined]
    else:
        exec(compile(what, "<string>", "exec"), vars(main))


if __name__ == "__main__":
    main()
