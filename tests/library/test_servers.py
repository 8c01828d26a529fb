"""Every server, WSGI and ASGI, under load: right answers, nothing left behind, and an end."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.library.answers import PATIENCE, Client, ask_server, get, open_socket, wait_until
from tests.library.conftest import Serving
from tests.library.databases import backends, select
from tests.servers import ASGI, Server, serve

KINDS = ["gunicorn", "gunicorn-sync", "gunicorn-gevent", "waitress", "flask", *ASGI]
USUAL = {"hypercorn": ("--workers", "1")}
"""Here it works in a process of its own, as it does when nobody says how many."""
THREADS = 8
REQUESTS = 35
"""From each thread; a multiple of the kinds in the mix."""


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest, serving: Serving) -> Iterator[Server]:
    """One of this module's own: what clients elsewhere left when they disconnected may complain only when it ends."""
    with serving.fresh(request.param, *USUAL.get(request.param, ())) as server:
        yield server


def load(client: Client, thread: int, number: int) -> bool:
    """One request of a mix; whether the answer was right."""
    name = f"{client.connection.port} {thread} {number}".replace(" ", "-")
    path, method, status, body = [
        ("/load/read", "GET", 200, "1"),
        (f"/load/write/{name}", "POST", 201, "written"),
        ("/load/gather", "GET", 200, "3"),
        ("/load/stream", "GET", 200, "012"),
        ("/load/hooks", "GET", 200, "hooked"),
        ("/load/conflict", "POST", 409, "conflict"),
        ("/load/crash", "POST", 500, None),
    ][number % 7]
    answer = client.ask(path, method)
    return answer.status == status and body in {None, answer.text}


def load_at_once(port: int) -> None:
    """Every one of `THREADS` clients makes its requests, all at the same time, and all are answered right."""

    def work(thread: int) -> list[bool]:
        with Client(port) as client:
            return [load(client, thread, number) for number in range(REQUESTS)]

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [answer for thread in pool.map(work, range(THREADS)) for answer in thread]
    assert answers == [True] * THREADS * REQUESTS


def test_first_coroutines_at_once_under_gevent_after_a_preload() -> None:
    """A lock that is older than the patches would stop the only thread."""
    with serve("gunicorn-gevent", "tests.library.app_mixed:app", "--preload") as server, ThreadPoolExecutor(THREADS) as pool:
        answers = [*pool.map(lambda _: ask_server(server.port, "/loop"), range(4 * THREADS))]
    assert {answer.status for answer in answers} == {200}


def test_concurrent_load_is_answered_right_and_leaves_nothing(server: Server, serving: Serving) -> None:
    silent = len(server.output)
    with Client(server.port) as client:
        before = client.ask("/state").json

    load_at_once(server.port)

    written = f"SELECT count(*) FROM owner WHERE name LIKE '{server.port}-%'"
    assert select(serving.database.main, written) == [THREADS * REQUESTS // 7]
    left = (
        "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND datname = current_database() AND pid <> pg_backend_pid()"
    )
    wait_until(lambda: select(serving.database.main, left) == [0], "the end of every transaction")

    with Client(server.port) as client:

        def clean() -> bool:
            now = client.ask("/state").json
            return bool(now["checked_out"] == 0 and now["tasks"] <= before["tasks"])

        wait_until(clean, "no connection in use and no task more than before")
    assert_silent(server, silent)


def test_wsgi_has_one_loop_and_asgi_none_of_its_own(server: Server) -> None:
    def loops(_: int) -> int:
        return int(ask_server(server.port, "/state").json["loops"])

    with ThreadPoolExecutor(4) as pool:
        seen = {*pool.map(loops, range(20))}
    assert seen == {0 if server.kind in ASGI else 1}


def ask_both_workers(server: Server, path: str) -> dict[int, str]:
    """The answer of each worker, by its process id; they are asked at the same time until both have answered."""
    answers: dict[int, str] = {}

    def ask(_: int) -> None:
        with Client(server.port) as client:
            pid = client.ask("/pid/0.05").text  # on one connection, so of one worker
            answers[int(pid)] = client.ask(path).text

    with ThreadPoolExecutor(4) as pool:
        deadline = time.monotonic() + PATIENCE
        while len(answers) < 2:
            assert time.monotonic() < deadline, "only one worker answers"
            list(pool.map(ask, range(8)))
    return answers


def test_preloaded_app_that_was_used_before_the_fork(serving: Serving) -> None:
    """Its workers make a loop and connections of their own; the connection that was open in the parent stays the parent's."""
    with serve("gunicorn-preload", "tests.library.app_preloaded:app", env=serving.env) as server:
        parent = int(ask_server(server.port, "/preloaded").text)
        workers = ask_both_workers(server, "/backend")
        assert server.process.pid not in workers
        assert parent in backends(serving.database.main)
        assert parent not in {int(backend) for backend in workers.values()}
        assert len({*workers.values()}) == 2

        load_at_once(server.port)
        for state in ask_both_workers(server, "/state").values():
            assert '"checked_out":0' in state
            assert '"loops":1' in state
        used = {parent, *map(int, ask_both_workers(server, "/backend").values())}
        server.stop()
        assert_silent(server)
    wait_until(lambda: not used & backends(serving.database.main), "the end of the connections")


def gone(serving: Serving, backend: int) -> bool:
    return backend not in backends(serving.database.main)


def test_reloader_restarts_the_app_with_connections_open(serving: Serving, tmp_path: Path) -> None:
    module = tmp_path / "reloaded.py"
    module.write_text("from tests.library.app_served import app\n")
    path = f"{tmp_path}:{serving.env['PYTHONPATH']}"
    with serve("flask-debug", "reloaded:app", env={**serving.env, "PYTHONPATH": path}) as server:
        with Client(server.port) as client:
            pid = int(client.ask("/pid").text)
            backend = int(client.ask("/backend").text)
        module.touch()
        wait_until(lambda: pid not in {process.pid for process in server.processes()}, "the end of the process")
        wait_until(partial(gone, serving, backend), "the end of its connection")
        assert ask_server(server.port, "/load/read").text == "1"
        server.stop()
        assert_silent(server)


def assert_silent(server: Server, since: int = 0) -> None:
    """No complaint but of what the load provokes, and of the server's own listening socket.

    Args:
        since: how much of the output is not looked at.
    """
    output = re.sub(rf".*unclosed <.*laddr=\('127.0.0.1', {server.port}\)>\n.*Enable tracemalloc.*", "", server.output[since:])
    warnings = re.findall(r".*(?:Warning|never|was destroyed|Exception ignored|Fatal).*", output)
    errors = re.findall(r"^[\w.]+(?:Error|Exception|Exit|Interrupt)\b.*", output, re.MULTILINE)
    assert [*warnings, *(error for error in errors if "ProvokedError" not in error)] == []


def test_server_ends_in_time_with_connections_and_a_request_open(server: Server, serving: Serving) -> None:
    """A pool that was used, a client that keeps its connection, and one that waits for an answer that takes a moment."""
    backend = int(ask_server(server.port, "/backend").text)
    before = len(server.output)
    with Client(server.port) as idle, open_socket(server.port, get("/pid/0.2")):
        idle.ask("/")
        print(f"{server.kind} ended {server.stop():.2f} s after SIGTERM")  # shown by pytest -rP
        assert_silent(server, before)
    wait_until(partial(gone, serving, backend), "the end of the connections")
