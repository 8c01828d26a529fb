"""The keeper of one throw-away PostgreSQL server, which it stops and whose data it deletes in the end.

`benchmarks.machinery.postgres` orders it: `{"binaries", "password", "settings"}`. It answers `{"port", "pid"}`.
"""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.machinery.child import ChildError, keep

FOLDER_PREFIX = "flask-async-tradeoffs-postgres-"
START_SECONDS = 60.0
PORT_ATTEMPTS = 10
# Fast shutdown, immediate shutdown (PostgreSQL's words), and what nothing survives; seconds given to each.
STOP_STEPS = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, None))

Process = subprocess.Popen[bytes]


class Account(NamedTuple):
    """The user and group that PostgreSQL runs as."""

    uid: int
    gid: int


@contextmanager
def kept(order: dict[str, Any]) -> Iterator[dict[str, int]]:
    """The server that is ordered."""
    with running(Path(order["binaries"]), order["password"], order["settings"]) as (process, port):
        yield {"port": port, "pid": process.pid}


@contextmanager
def running(binaries: Path, password: str, settings: Mapping[str, str]) -> Iterator[tuple[Process, int]]:
    """Give a postmaster and its port on 127.0.0.1; on leaving stop it and delete everything it wrote.

    `binaries` is the folder with `initdb` and `postgres`; the superuser is `postgres` with `password`;
    `settings` are handed over as `-c name=value`. Raises `ChildError`, `OSError` or `SubprocessError`.
    """
    account = unprivileged_account()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=temporary_root(account)))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        if account:
            os.chown(folder, *account)
            if not is_open_to_all(binaries):
                binaries = copy_binaries(binaries, folder, account)
        create_cluster(binaries, folder, password, account)
        yield start(stack, binaries, folder, settings, account)


def unprivileged_account() -> Account | None:
    """`nobody` where this process is root's, because PostgreSQL refuses to run as root; else None."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise ChildError("it does not run as root, and there is no user 'nobody' to run it as") from None
    return Account(entry.pw_uid, entry.pw_gid)


def is_open_to_all(folder: Path) -> bool:
    """Whether every user may pass through `folder` and all folders above it."""
    return all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents))


def temporary_root(account: Account | None) -> Path:
    """The folder for temporary files, or another usual one where that is root's and the account is not."""
    chosen = Path(tempfile.gettempdir()).resolve()
    candidates = (chosen, Path("/tmp").resolve(), Path("/var/tmp").resolve())  # noqa: S108 (for mkdtemp)
    return chosen if account is None else next(filter(is_open_to_all, candidates), chosen)


def copy_binaries(binaries: Path, folder: Path, account: Account) -> Path:
    """Copy what runs of the package into `folder`, laid out as it was (35 MB); return its bin folder."""
    package = binaries.parent.parent
    unneeded = shutil.ignore_patterns("include", "*.a", "*.py", "__pycache__")
    for source in (package, package.with_name(f"{package.name}.libs")):  # auditwheel puts libpq in the second
        if source.is_dir():
            shutil.copytree(source, folder / source.name, symlinks=True, ignore=unneeded)
    for path in folder.rglob("*"):
        os.chown(path, *account, follow_symlinks=False)
    return folder / binaries.relative_to(package.parent)


def create_cluster(binaries: Path, folder: Path, password: str, account: Account | None) -> None:
    """Run `initdb` for `folder`/data."""
    secret, log = folder / "password", folder / "initdb.log"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if account:
        os.chown(secret, *account)
    command = [str(binaries / "initdb"), "-D", str(folder / "data"), "--encoding=UTF8", "--locale=C"]
    # Not `trust`: a superuser without a password lets every local user run programs in our name.
    command += ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"]
    initdb = spawn(command, log, account)
    try:
        initdb.wait(START_SECONDS)
    finally:
        stop(initdb)
    if initdb.returncode:
        raise ChildError(last_error(log) or f"initdb ended with status {initdb.returncode}")
    secret.unlink()


def start(
    stack: ExitStack, binaries: Path, folder: Path, settings: Mapping[str, str], account: Account | None
) -> tuple[Process, int]:
    """Start the server and wait until it takes connections; `stack` gets what stops it."""
    data, log = folder / "data", folder / "data" / "server.log"
    for _ in range(PORT_ATTEMPTS):
        port = free_port()
        own = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""}
        command = [str(binaries / "postgres"), "-D", str(data)]
        for name, value in {**settings, **own}.items():
            command += ["-c", f"{name}={value}"]
        process = spawn(command, log, account)
        stack.callback(stop, process)
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if is_ready(data, process.pid):
                return process, port
            time.sleep(0.01)
        # Someone else may have taken the port since `free_port` looked.
        if process.poll() is None or b"Address already in use" not in log.read_bytes():
            break
        log.unlink()
    raise ChildError(last_error(log) or f"the server was not ready after {START_SECONDS:.0f} s")


def spawn(command: list[str], log: Path, account: Account | None) -> Process:
    """Start a program of PostgreSQL's that writes to `log` in English, free of the caller's PG* variables."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    options: dict[str, Any] = {"cwd": log.parent, "env": environment | {"LC_ALL": "C"}}
    if account:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    with log.open("ab") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)


def stop(process: Process) -> None:
    """End a postmaster (or `initdb`), ever less gently; return when it is gone."""
    for number, seconds in STOP_STEPS:
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def is_ready(data: Path, pid: int) -> bool:
    """Whether postmaster `pid` takes connections: line 8 of its lock file says so, as to `pg_ctl`."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"


def last_error(log: Path) -> str:
    """What the last failure in `log` says, else its last line, which may be empty."""
    lines = log.read_text(errors="replace").splitlines()
    failures = [match[1] for line in lines if (match := re.search(r"(?:FATAL|PANIC|error):\s*(.+)", line))]
    return (failures or lines or [""])[-1]


if __name__ == "__main__":
    keep(kept)
