"""Plain scripts, each in a process of its own: how they end, are interrupted, and fork."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.machinery.absent import surroundings
from benchmarks.machinery.postgres import PostgresServer
from tests.forked import start
from tests.library.answers import PATIENCE, wait_until
from tests.library.databases import backends, with_driver

ENDING_SECONDS = 20.0
"""The promise is one second; a loaded machine may take many, and a process that hangs takes for ever."""

PROBE = """
import asyncio, atexit, os, sys, threading, time
late = []
atexit.register(lambda: [func() for func in late])  # called after what the runtime registers
if os.environ.get("LOOP") == "asyncio":
    sys.modules["uvloop"] = None
from advanced_alchemy.extensions.flask import SQLAlchemyAsyncConfig
from sqlalchemy import text
from flask_oneloop import AdvancedAlchemy, AsyncFlask, stream

def probe(url=None):
    app = AsyncFlask("probe")
    if url is not None:
        AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string=url), app)
    return app

def session_of(app):
    return app.extensions["advanced_alchemy"].get_session()

async def select(app, statement="SELECT pg_backend_pid()"):
    return await session_of(app).scalar(text(statement))

app = probe(*sys.argv[1:])
"""


class Script:
    """A running script that has the names of `PROBE`; ``url`` is its app's database."""

    def __init__(self, bare: Path, code: str, url: str | None = None, loop: str = "uvloop", warnings: str = "always") -> None:
        """Run it where there is nothing but the runtime; ``warnings`` says what to do with a ResourceWarning."""
        filters = ["error", "ignore:The declarative_mixin decorator", f"{warnings}::ResourceWarning"]
        environment = {**os.environ, **surroundings(path=str(bare)), "LOOP": loop, "PYTHONWARNINGS": ",".join(filters)}
        arguments = ["-c", PROBE + code, *([] if url is None else [url])]
        (output, stdout), (errors, stderr) = os.pipe(), os.pipe()
        self._output, self._errors = os.fdopen(output), os.fdopen(errors)
        self.process = start(arguments, cwd=bare, env=environment, stdout=stdout, stderr=stderr)
        os.close(stdout)
        os.close(stderr)

    def line(self) -> str:
        """The next line it prints; empty at its end."""
        return self._output.readline().rstrip("\n")

    def end(self, seconds: float = PATIENCE) -> tuple[int, str, str]:
        """Its status and what else it writes to stdout and stderr; killed when it takes longer."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            pytest.fail(f"the script did not end within {seconds:g} s")
        with self._output, self._errors:
            return status, self._output.read(), self._errors.read()


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> str:
    """On PostgreSQL, for the connections of one script after the other."""
    return postgres.create_database(f"runtime_{secrets.token_hex(4)}")


WAITING = """
from contextlib import suppress
def in_thread(func):
    def call():
        with suppress(asyncio.CancelledError):
            app.portal.call(func)
    threading.Thread(target=call, daemon=True).start()
    started.wait()
started = threading.Event()
"""
WAYS_TO_END = {
    "without a call": "",
    "after a call": "app.portal.call(asyncio.sleep, 0)",
    "while coroutines wait": WAITING
    + """
async def wait():
    global task
    task = asyncio.create_task(asyncio.Event().wait())
    started.set()
    await asyncio.sleep(3600)
in_thread(wait)
""",
    "while a stream waits": WAITING
    + """
async def source():
    yield 1
    started.set()
    await asyncio.sleep(3600)
def iterate():
    with app.app_context(), suppress(asyncio.CancelledError):
        list(stream(source()))
threading.Thread(target=iterate, daemon=True).start()
started.wait()
""",
    "while a coroutine blocks the loop": WAITING
    + """
async def block():
    started.set()
    time.sleep(3600)
in_thread(block)
""",
}


@pytest.fixture(scope="module")
def ending(bare: Path) -> Iterator[dict[str, Script]]:
    """All of them at once: starting takes longer than ending."""
    scripts = {name: Script(bare, f"{code}\nprint('end', flush=True)") for name, code in WAYS_TO_END.items()}
    yield scripts
    for script in scripts.values():
        if script.process.returncode is None:
            script.end()


@pytest.mark.parametrize("name", WAYS_TO_END)
def test_script_ends_in_time_and_in_silence(ending: dict[str, Script], name: str) -> None:
    assert ending[name].line() == "end"
    assert ending[name].end(ENDING_SECONDS) == (0, "", "")


def test_script_ends_in_time_though_a_task_will_not_be_cancelled(bare: Path) -> None:
    code = """
async def resist():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass
async def start():
    global task
    task = asyncio.create_task(resist())
    await asyncio.sleep(0)
app.portal.call(start)
print("end", flush=True)
"""
    script = Script(bare, code)
    assert script.line() == "end"
    status, _, errors = script.end(ENDING_SECONDS)
    assert status == 0
    assert errors.startswith("Task was destroyed but it is pending!\n")
    assert "resist" in errors


OPEN_POOL = """
async def several():
    await asyncio.gather(*(one() for _ in range(3)))
async def one():
    async with app.extensions["advanced_alchemy"].new_session() as session:
        await session.execute(text("SELECT 1"))
app.portal.call(several)
"""


@pytest.mark.parametrize(("kind", "loop"), [("sqlite", "uvloop"), ("postgresql", "uvloop"), ("postgresql", "asyncio")])
def test_script_ends_in_time_with_an_open_pool(bare: Path, kind: str, loop: str, database: str, tmp_path: Path) -> None:
    main = {"sqlite": f"sqlite:///{tmp_path}/script.db", "postgresql": database}[kind]
    script = Script(bare, OPEN_POOL + "print('end', flush=True)", with_driver(main, "asyncpg", "aiosqlite"), loop)
    assert script.line() == "end"
    assert script.end(ENDING_SECONDS) == (0, "", "")
    wait_until(lambda: not backends(database), "the end of every connection")


@pytest.mark.parametrize(("kind", "warnings"), [("sqlite", "ignore"), ("postgresql", "ignore"), ("postgresql", "error")])
def test_script_ends_in_time_with_connections_in_use(bare: Path, kind: str, warnings: str, database: str, tmp_path: Path) -> None:
    """One in a transaction that nobody ends, one in a query that does not end."""
    code = """
context = app.app_context()
context.push()
app.portal.call(select, app, "SELECT 1")
async def wait():
    async with app.extensions["advanced_alchemy"].new_session() as session:
        asyncio.get_running_loop().call_later(0.1, started.set)
        await session.execute(text(endless))
endless = {
    "postgresql": "SELECT pg_sleep(3600)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
}[sys.argv[1].partition("+")[0]]
in_thread(wait)
print("end", flush=True)
"""
    main = {"sqlite": f"sqlite:///{tmp_path}/script.db", "postgresql": database}[kind]
    script = Script(bare, OPEN_POOL + WAITING + code, with_driver(main, "asyncpg", "aiosqlite"), warnings=warnings)
    assert script.line() == "end"
    status, output, errors = script.end(ENDING_SECONDS)
    assert (status, output) == (0, "")
    assert warnings == "error" or errors == ""
    wait_until(lambda: not backends(database), "the end of every connection")


def test_streams_that_wait_at_the_end_are_cancelled_once(bare: Path) -> None:
    """What they do then is done to its end."""
    code = """
ends = []
begun = threading.Barrier(21)
async def source():
    try:
        yield 1
        await asyncio.sleep(3600)
    finally:
        try:
            await asyncio.sleep(0.01)
            ends.append("whole")
        except asyncio.CancelledError:
            ends.append("cut short")
def iterate():
    with app.app_context(), suppress(asyncio.CancelledError):
        for _ in stream(source()):
            begun.wait()
for _ in range(20):
    threading.Thread(target=iterate, daemon=True).start()
begun.wait()
time.sleep(0.2)
late.append(lambda: print(ends.count("whole"), flush=True))
"""
    assert Script(bare, WAITING + code).end() == (0, "20\n", "")


def test_ctrl_c_cancels_the_coroutine_that_is_waited_for(bare: Path) -> None:
    code = """
async def wait():
    print("waiting", flush=True)
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        raise
    finally:
        cancelled.set()
async def answer():
    return "usable"
cancelled = threading.Event()
try:
    app.portal.call(wait)
except KeyboardInterrupt:
    print("interrupted", cancelled.wait(10))
print(app.portal.call(answer))
"""
    script = Script(bare, code)
    assert script.line() == "waiting"
    script.process.send_signal(signal.SIGINT)
    status, output, errors = script.end()
    assert (status, output.split("\n"), errors) == (0, ["cancelled", "interrupted True", "usable", ""], "")


def test_ctrl_c_cancels_the_stream_that_is_waited_for(bare: Path) -> None:
    code = """
async def source():
    try:
        yield 1
        print("waiting", flush=True)
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        cancelled.set()
        raise
cancelled = threading.Event()
with app.app_context():
    try:
        list(stream(source()))
    except KeyboardInterrupt:
        print("interrupted", cancelled.wait(10))
"""
    script = Script(bare, code)
    assert script.line() == "waiting"
    script.process.send_signal(signal.SIGINT)
    assert script.end() == (0, "cancelled\ninterrupted True\n", "")


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_forked_child_has_a_loop_and_connections_of_its_own(bare: Path, loop: str, database: str) -> None:
    """Parent and child go on, neither with a connection of the other, and both end in silence."""
    code = """
def backend():
    with app.app_context():
        return app.portal.call(select, app)
async def loop_of_caller():
    return id(asyncio.get_running_loop())
former = backend()
threads = [threading.Thread(target=backend) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
child = os.fork()
if child == 0:
    print("child", former, *(backend() for _ in range(3)), flush=True)
    sys.exit(7)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print("parent", former, *(backend() for _ in range(3)), status)
"""
    script = Script(bare, code, with_driver(database, "asyncpg"), loop)
    status, output, errors = script.end()
    assert (status, errors) == (0, "")
    child, parent = (line.split() for line in output.splitlines())
    assert (child[0], parent[0], parent[-1]) == ("child", "parent", "7")
    assert len({child[1], *child[2:]}) == 2, "the child uses one connection, which is not its parent's"
    assert {*child[2:]}.isdisjoint(parent[1:-1])
    wait_until(lambda: not backends(database), "the end of every connection")


def test_fork_while_calls_are_running(bare: Path, database: str) -> None:
    """Each child answers, on a loop and connections of its own, and the parent goes on all the time."""
    code = """
async def hold():
    async with app.extensions["advanced_alchemy"].new_session() as session:
        return await session.scalar(text("SELECT 1 FROM pg_sleep(0.02)"))
def work():
    while not ended.is_set():
        assert app.portal.call(hold) == 1
app.portal.call(hold)  # no lock of a first connection is held when it forks
ended = threading.Event()
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
for _ in range(5):
    child = os.fork()
    if child == 0:
        app.portal.call(hold)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
ended.set()
for thread in threads: thread.join()
"""
    assert Script(bare, code, with_driver(database, "asyncpg")).end() == (0, "", "")


def test_several_apps_of_a_script_close_what_is_theirs(bare: Path, database: str) -> None:
    code = """
other = probe(sys.argv[1])
backends = []
for one in (app, other, app, other):
    with one.app_context():
        backends.append(one.portal.call(select, one))
print(*backends, flush=True)
sys.stdin.readline()
"""
    script = Script(bare, code, with_driver(database, "asyncpg"))
    used = [int(pid) for pid in script.line().split()]
    assert used[:2] == used[2:]
    assert used[0] != used[1]
    assert script.end(ENDING_SECONDS) == (0, "", "")
    wait_until(lambda: not backends(database), "the end of every connection")


def test_call_while_the_process_exits_is_a_clear_error(bare: Path) -> None:
    code = """
def call_late():
    try:
        app.portal.call(asyncio.sleep, 0)
    except RuntimeError as error:
        print(error, flush=True)
app.portal.call(asyncio.sleep, 0)
late.append(call_late)
"""
    assert Script(bare, code).end() == (0, "the event loop is stopped: the process is exiting\n", "")


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg", "aiosqlite"])
def test_ends_in_silence_after_loops_that_were_closed(bare: Path, database: str, tmp_path: Path, driver: str) -> None:
    """A loop for each test, of asyncio: nothing of what they leave complains."""
    code = """
async def ask():
    await app.portal.adopt()
    with app.app_context():
        assert await select(app, "SELECT 1") == 1
        await session_of(app).close()
for _ in range(3):
    asyncio.run(ask())
"""
    url = f"sqlite+aiosqlite:///{tmp_path}/main.db" if driver == "aiosqlite" else with_driver(database, driver)
    assert Script(bare, code, url).end() == (0, "", "")


UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import asyncio, gevent
from flask_oneloop import AsyncFlask

app = AsyncFlask("probe")
app.add_url_rule("/run", view_func=lambda: asyncio.run(asyncio.sleep(0.2, "run")))

@app.get("/")
async def view():
    return "view"

def ask(path):
    return app.test_client().get(path).text

first = gevent.spawn(ask, "/run")
gevent.sleep(0.05)
second = gevent.spawn(ask, "/")
print(first.get(), second.get(), ask("/"))
"""


def test_loop_starts_under_gevent_though_a_view_runs_one_of_its_own() -> None:
    command = [sys.executable, "-W", "ignore", "-c", UNDER_GEVENT]
    environment = {**os.environ, **surroundings()}
    assert subprocess.check_output(command, env=environment, text=True, timeout=PATIENCE).split() == ["run", "view", "view"]
