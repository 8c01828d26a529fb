"""What comes in and goes out at the edge of ASGI, under real servers."""

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.machinery.absent import surroundings
from tests.forked import start
from tests.library import app_adapter
from tests.library.answers import Client, wait_until
from tests.servers import ASGI, ROOT, START_SECONDS, Server, serve


@pytest.fixture(scope="module", params=ASGI)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serve(request.param, "tests.library.app_adapter:asgi") as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.port) as client:
        yield client


@pytest.mark.parametrize("rest", ["plain", "caf%C3%A9", "a%20b", "100%25", "%E2%82%AC/x"])
def test_path_that_a_middleware_has_stripped(client: Client, rest: str) -> None:
    direct, stripped = client.ask(f"/path/{rest}"), client.ask(f"/stripped/path/{rest}")
    assert (stripped.status, stripped.text) == (direct.status, direct.text) == (200, httpx.URL(f"http://host/{rest}").path[1:])


@pytest.mark.parametrize("status", [42, 100, 600, 999, 1000])
@pytest.mark.parametrize("path", ["/status", "/status/plain"])
def test_status_that_http_does_not_have_is_a_500_and_logged(server: Server, path: str, status: int) -> None:
    silent = len(server.output)
    with Client(server.port) as client:
        assert client.ask(f"{path}/{status}").status == 500
    with Client(server.port) as client:
        assert (client.ask("/").status, client.ask("/path/next").text) == (200, "next")
    wait_until(lambda: f"the status '{status} " in server.output[silent:], "a line in the log")


def test_statuses_that_http_has_go_out(client: Client) -> None:
    assert [client.ask(f"/status/{status}").status for status in (200, 299, 418, 599)] == [200, 299, 418, 599]


@pytest.mark.parametrize("path", ["/file", "/file/plain"])
def test_file_that_a_server_in_front_sends(server: Server, client: Client, path: str) -> None:
    """The head names it, and there is no body; a length of the file would be one that never comes."""
    silent = len(server.output)
    for method in ("GET", "HEAD", "GET"):
        answer = client.ask(path, method)
        assert (answer.status, answer.body, answer.all("X-Sendfile")) == (200, b"", [app_adapter.__file__])
        assert answer.all("Content-Length") in ([], ["0"])
    assert "Traceback" not in server.output[silent:]


UNIX = {
    "uvicorn": ("uvicorn", "--uds"),
    "hypercorn": ("hypercorn", "--workers", "0", "--bind"),
}


@pytest.mark.parametrize("kind", UNIX)
def test_unix_socket(kind: str, tmp_path: Path) -> None:
    """The client has no address, as under WSGI servers, and the name of the server is none of a file."""
    path = tmp_path / "socket"
    module, *options = UNIX[kind]
    arguments = [*options, f"unix:{path}" if kind == "hypercorn" else str(path), "tests.library.app_adapter:asgi"]
    environment = {**os.environ, **surroundings()}
    process = start(["-m", module, *arguments], cwd=ROOT, env=environment, stdout=1, stderr=2)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (path.exists() and _accepts(path)):
            assert process.poll() is None
            assert time.monotonic() < deadline, "the server's socket"
            time.sleep(0.05)
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://example.org:81") as client:
            seen = json.loads(client.get("/environ").content)
    finally:
        process.terminate()
        process.wait()
    assert seen == {"REMOTE_ADDR": "", "SERVER_NAME": "localhost", "SERVER_PORT": "80", "url": "http://example.org:81/environ"}


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0
