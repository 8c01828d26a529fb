"""Run one throw-away PostgreSQL server for as long as the process that asked for it lives.

`benchmarks.machinery.postgres` starts this file as a process of its own, with the standard library alone. It reads one
line of JSON from stdin (`main`), answers with one on stdout, `{"port", "pid"}` or `{"error"}`, and waits for
stdin to end: closed on purpose or by the death of the parent. Then it stops the server and deletes its data.
"""

import json
import os
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

FOLDER_PREFIX = "flask-async-tradeoffs-postgres-"
START_SECONDS = 60.0
PORT_ATTEMPTS = 10
# Fast shutdown, immediate shutdown (PostgreSQL's words), and what nothing survives; seconds given to each.
STOP_STEPS = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, None))
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Process = subprocess.Popen[bytes]


class StartError(Exception):
    """The server did not start; the message is the reason in one line."""


class Account(NamedTuple):
    """The user and group that PostgreSQL runs as."""

    uid: int
    gid: int


def main() -> None:
    """Serve the one order on stdin (`binaries`, `password`, `settings`, `parent`: a pid) until it is over."""
    for number in ENDING_SIGNALS:
        signal.signal(number, end)
    order = json.loads(sys.stdin.readline())
    try:
        with running(Path(order["binaries"]), order["password"], order["settings"]) as (process, port):
            print(json.dumps({"port": port, "pid": process.pid}), flush=True)
            # A child that the parent forked holds the pipe open after the parent's death: look at both.
            while os.getppid() == order["parent"] and not select.select([sys.stdin], [], [], 1.0)[0]:
                pass
    except (StartError, OSError, subprocess.SubprocessError) as error:
        print(json.dumps({"error": " ".join(str(error).split())}), flush=True)


def end(_number: int, _frame: FrameType | None) -> None:
    """Leave by way of the clean-up, which a second signal does not cut short."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(1)


@contextmanager
def running(binaries: Path, password: str, settings: Mapping[str, str]) -> Iterator[tuple[Process, int]]:
    """Give a postmaster and its port on 127.0.0.1; on leaving stop it and delete everything it wrote.

    `binaries` is the folder with `initdb` and `postgres`; the superuser is `postgres` with `password`;
    `settings` are handed over as `-c name=value`. Raises `StartError`, `OSError` or `SubprocessError`.
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
        raise StartError("it does not run as root, and there is no user 'nobody' to run it as") from None
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
        raise StartError(last_error(log) or f"initdb ended with status {initdb.returncode}")
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
    raise StartError(last_error(log) or f"the server was not ready after {START_SECONDS:.0f} s")


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
    main()
