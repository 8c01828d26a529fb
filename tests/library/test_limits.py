"""Limits of requests, bodies and time, and the watchdog of the loop, under a real server."""

import re
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import flask_oneloop
from flask_oneloop.blame import blame
from tests.library.answers import Client, ask_server, get, open_socket, wait_until
from tests.servers import ASGI, Server, serve


@pytest.fixture(scope="module", params=ASGI)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serve(request.param, "tests.library.app_limits:asgi") as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.port) as client:
        yield client


def counter(client: Client, name: str) -> int:
    return int(client.ask("/counters").json[name])


def test_requests_beyond_the_limit_are_a_503(server: Server, client: Client) -> None:
    with ExitStack() as stack:
        for number in range(4):
            connection = stack.enter_context(open_socket(server.port, get("/wait")))
            received = b""
            while b"begun" not in received:
                received += connection.recv(4096)
            if number < 3:
                assert counter(client, "waiting") == number + 1
        refused = client.ask("/counters")
        assert (refused.status, refused.all("Retry-After")) == (503, ["1"])
    wait_until(lambda: client.ask("/counters").status == 200, "room for another")
    wait_until(lambda: counter(client, "waiting") == 0, "the end of those that left")


@pytest.mark.parametrize("chunked", [False, True])
def test_body_beyond_the_limit_is_a_413(server: Server, chunked: bool) -> None:
    def post(size: int) -> int:
        data = b"x" * size
        return ask_server(server.port, "/echo", "POST", iter([data]) if chunked else data).status

    assert [post(1000), post(1001), post(1000)] == [200, 413, 200]


def test_response_that_does_not_begin_is_a_503_and_its_view_cancelled(client: Client) -> None:
    before = counter(client, "cancelled")
    answer = client.ask("/hang")
    assert (answer.status, answer.text) == (503, "The request took too long.")
    assert counter(client, "cancelled") == before + 1


def test_thread_runs_to_its_end_but_the_client_is_answered(client: Client) -> None:
    before = counter(client, "threads ended")
    assert client.ask("/hang/thread").status == 503
    assert counter(client, "threads ended") == before
    wait_until(lambda: counter(client, "threads ended") == before + 1, "the end of the thread")
    assert client.ask("/").text == "served"


def test_stream_that_has_begun_may_take_longer(server: Server) -> None:
    with open_socket(server.port, get("/wait")) as connection:
        time.sleep(1.0)
        connection.setblocking(False)
        received = connection.recv(65536)
        assert received.startswith(b"HTTP/1.1 200")
        with pytest.raises(BlockingIOError):
            connection.recv(1)


@pytest.mark.parametrize(
    ("path", "line"), [("/block", r"block_loop: time\.sleep"), ("/block/plain", r"block_loop_too: (sum|while|deadline)")]
)
def test_what_blocks_the_loop_is_named(server: Server, path: str, line: str) -> None:
    silent = len(server.output)
    assert ask_server(server.port, path).text == "blocked"
    told = server.output[silent:]
    assert re.search(rf'The event loop is blocked for \d\.\d s by GET {path}, in {line}.*app_limits\.py", line \d+', told), told
    assert told.count("is blocked") == 1


@pytest.mark.parametrize("folder", [f"{Path(flask_oneloop.__path__[0])}_shop", f"{sys.base_prefix}/src/shop"])
def test_app_beside_the_library_or_below_the_interpreter_is_blamed(folder: str) -> None:
    waiting, go = threading.Event(), threading.Event()
    names = {"waiting": waiting, "go": go}
    exec(compile("def block():\n    waiting.set()\n    go.wait()\n", f"{folder}/views.py", "exec"), names)
    thread = threading.Thread(target=names["block"])  # type: ignore[arg-type]
    thread.start()
    waiting.wait()
    wait_until(lambda: "wait" in traceback.extract_stack(sys._current_frames()[thread.ident or 0])[-1].name, "the wait")
    blamed = blame(thread.ident)
    go.set()
    thread.join()
    assert f'in block:  (File "{folder}/views.py", line 3)' in blamed


def test_a_dictionary_that_is_only_called_environ_is_nobodys_request() -> None:
    environ = {"PATH": "/bin"}
    assert blame(threading.get_ident()).startswith("no request, in test_a_dictionary_that_is_only_called_environ")
    assert environ
