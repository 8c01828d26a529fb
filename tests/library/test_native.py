"""The native model under real ASGI servers."""

import asyncio
import hashlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.library.answers import PATIENCE, Client, ask_server, get, open_socket, wait_until
from tests.library.conftest import Serving
from tests.library.databases import select
from tests.servers import ASGI, Server

SLEEPING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"


@pytest.fixture(scope="module", params=ASGI)
def server(request: pytest.FixtureRequest, serving: Serving) -> Server:
    return serving.start(request.param)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """A connection; in the end no request has left anything behind."""
    with Client(server.port) as client:
        yield client
        wait_until(lambda: client.ask("/state").json["checked_out"] == 0, "the return of every connection to the pool")


@pytest.fixture
def sleeping(serving: Serving) -> Callable[[], set[int]]:
    """The backends in which a query of this test still waits; a server that was ended may have left one in its own."""
    before = set(select(serving.database.main, SLEEPING))
    return lambda: set(select(serving.database.main, SLEEPING)) - before


def counter(client: Client, name: str) -> int:
    return int(client.ask("/state").json.get(name, 0))


async def burst(port: int, path: str, times: int) -> list[bytes]:
    """So many requests at once, each on a connection of its own; the bodies."""

    async def one() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get(path).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        return answer.partition(b"\r\n\r\n")[2]

    return await asyncio.gather(*(one() for _ in range(times)))


def test_200_waiting_requests_overlap_in_one_process(server: Server, client: Client) -> None:
    answers = asyncio.run(burst(server.port, "/meet/200", 200))
    assert sorted(int(answer) for answer in answers) == [*range(200)]
    assert client.ask("/state").json["loops"] == 0


@pytest.mark.parametrize("path", ["/where", "/where?fail"])
def test_one_loop_and_one_task_for_all_of_a_request(client: Client, path: str) -> None:
    client.ask("/where/seen")
    assert client.ask(path).status == (500 if path.endswith("fail") else 200)
    seen = client.ask("/where/seen").json
    middle = ["errorhandler"] if path.endswith("fail") else []
    assert [name for name, *_ in seen] == [
        "before_request",
        "view",
        *middle,
        "after_request",
        "teardown_request",
        "teardown_appcontext",
    ]
    assert len({(loop, task) for _, loop, task in seen}) == 1


def test_signal_receiver_runs_in_the_requests_task(client: Client) -> None:
    client.ask("/where/seen")
    assert client.ask("/where?crash").status == 500
    seen = client.ask("/where/seen").json
    assert "signal" in [name for name, *_ in seen]
    assert len({(loop, task) for _, loop, task in seen}) == 1


def test_request_g_and_session_are_seen_by_gathered_coroutines(client: Client) -> None:
    answer = client.ask("/context?q=question")
    assert answer.json == {"seen": [f"{number} question g session tests.library.app_served" for number in range(3)]}
    assert answer.all("Set-Cookie")[0].startswith("session=")


def read_until(connection: socket.socket, text: bytes) -> bytes:
    received = b""
    while text not in received:
        data = connection.recv(65536)
        assert data, f"the server closed after {received!r}"
        received += data
    return received


def test_stream_arrives_chunk_by_chunk(server: Server, client: Client) -> None:
    with open_socket(server.port, get("/stream/one")) as connection:
        first = read_until(connection, b"first\n")
        assert b"second" not in first
        assert client.ask("/open/one", "POST").text == "open"
        read_until(connection, b"second\n")


def test_slow_reader_holds_the_generator_back(server: Server, client: Client) -> None:
    chunks = 1024
    with open_socket(server.port, get(f"/flood/{chunks}"), receive_buffer=65536) as connection:
        assert connection.recv(1024).startswith(b"HTTP/1.1 200")
        made = -1
        while (now := counter(client, "flooded")) != made:
            made = now
            time.sleep(0.2)
        assert 0 < made < chunks / 2, "all of it was made while nobody read"
        end = b""
        while end[-5:] != b"0\r\n\r\n":
            end = end[-4:] + connection.recv(1 << 20)
    wait_until(lambda: counter(client, "flooded") == chunks, "the last chunk")


@pytest.mark.parametrize("path", ["/hang?name={}", "/hang/sync?name={}"])
def test_disconnect_cancels_the_view_and_tears_down(
    server: Server, serving: Serving, client: Client, sleeping: Callable[[], set[int]], path: str
) -> None:
    before = client.ask("/state").json
    name = f"{os.getpid()} {server.port}"
    with open_socket(server.port, get(path.format(name.replace(" ", "+")))):
        wait_until(lambda: counter(client, "hanging") > before.get("hanging", 0), "the view")
        assert counter(client, "hang ended") == before.get("hang ended", 0)
        wait_until(sleeping, "the query in the database")
    wait_until(lambda: counter(client, "hang ended") > before.get("hang ended", 0), "the view's cancellation")
    wait_until(lambda: counter(client, "torn down") > before.get("torn down", 0), "teardown")
    wait_until(lambda: counter(client, "checked_out") == 0, "the return of the connection")
    wait_until(lambda: not sleeping(), "the end of the query in the database")
    assert select(serving.database.main, f"SELECT count(*) FROM owner WHERE name = '{name}'") == [0]


def test_disconnect_during_the_commit_lets_it_finish(server: Server, serving: Serving, client: Client) -> None:
    before = counter(client, "committing")
    name = f"committed{server.port}"
    with open_socket(server.port, get(f"/hang/commit?name={name}")):
        wait_until(lambda: counter(client, "committing") > before, "the commit")
        time.sleep(0.15)  # past the moment from which a disconnect is noticed, before the end of the commit
    stored = f"SELECT count(*) FROM slow WHERE name = '{name}'"
    wait_until(lambda: select(serving.database.main, stored) == [1], "what was committed")


def test_disconnect_in_a_stream_closes_the_generator(server: Server, client: Client) -> None:
    before = counter(client, "drip ended")
    with open_socket(server.port, get("/drip")) as connection:
        read_until(connection, b"1\n")
    wait_until(lambda: counter(client, "drip ended") > before, "the end of the generator")


def test_disconnect_while_the_server_cannot_send_closes_the_generator(server: Server, client: Client) -> None:
    before = counter(client, "flood ended")
    with open_socket(server.port, get("/flood/1024"), receive_buffer=65536) as connection:
        connection.recv(1024)
        wait_until(lambda: counter(client, "flooded") > 0, "some chunks")
    wait_until(lambda: counter(client, "flood ended") > before, "the end of the generator")


def test_disconnects_at_any_moment_leave_the_pool_whole(server: Server, client: Client, sleeping: Callable[[], set[int]]) -> None:
    """Clients that leave before, while and after their request waits for, uses and gives back a connection."""
    paths = ["/load/read", "/load/gather", "/load/stream", "/backend", "/hang?name=storm", "/hang/sync?name=storm"]

    def come_and_leave(number: int) -> None:
        with open_socket(server.port, get(paths[number % len(paths)])):
            time.sleep(number % 13 / 80)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(come_and_leave, range(120)))
    wait_until(lambda: counter(client, "checked_out") == 0, "the return of every connection to the pool")
    wait_until(lambda: not sleeping(), "the end of every query in the database")
    assert asyncio.run(burst(server.port, "/load/gather", 16)) == [b"3"] * 16


def test_what_comes_after_the_last_byte_is_done_to_its_end(server: Server, client: Client) -> None:
    """The client has got all it waited for: it has not left."""
    before = client.ask("/state").json
    assert client.ask("/after").text == "answered"
    wait_until(
        lambda: counter(client, "cleaned up") > before.get("cleaned up", 0) or counter(client, "cleaning cancelled"), "the end"
    )
    assert "cleaning cancelled" not in client.ask("/state").json


@pytest.mark.parametrize("size", [0, 10, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_come_back_as_they_were_sent(client: Client, size: int, chunked: bool) -> None:
    data = os.urandom(size)
    pieces = (data[start : start + 100_000] for start in range(0, size, 100_000))
    answer = client.ask("/echo", "POST", pieces if chunked else data, {"Content-Type": "application/x-probe"})
    assert (answer.status, answer.all("Content-Type")) == (200, ["application/x-probe"])
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(data).digest()


def post(port: int, path: str, data: bytes, chunked: bool) -> tuple[int, bytes]:
    """Status and body of the answer, which the server may give and close before it has read all."""
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(data)
    head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n\r\n" % (path.encode(), length)
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data) if chunked else data
    received = b""
    with open_socket(port, head) as connection, suppress(ConnectionError):
        with suppress(ConnectionError):
            connection.sendall(body)
        while more := connection.recv(65536):
            received += more
    return int(received.split(b" ")[1]), received.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("chunked", [False, True])
def test_body_above_the_limit_is_a_413(server: Server, chunked: bool) -> None:
    assert post(server.port, "/echo", b"x" * 5_000_000, chunked) == (200, b"x" * 5_000_000)
    assert post(server.port, "/echo", b"x" * 5_000_001, chunked) == (413, b"too large")


@pytest.mark.parametrize("chunked", [False, True])
def test_body_above_the_limit_is_never_cut_silently(server: Server, chunked: bool) -> None:
    """For a view that lifts the limit for itself: either it gets all, or there is an error."""
    status, body = post(server.port, "/echo/raised", b"x" * 6_000_000, chunked)
    assert status in {400, 413} or (status, body) == (200, b"6000000")


def test_headers_of_the_response(client: Client) -> None:
    answer = client.ask("/headers")
    assert answer.all("X-Twice") == ["1", "2"]
    assert [cookie.partition(";")[0] for cookie in answer.all("Set-Cookie")] == ["one=1", "two=2"]
    assert answer.all("X-Latin") == ["caf\xe9"]
    assert answer.all("Content-Length") == ["4"]


def test_cookies_in_two_headers_are_both_seen(server: Server, client: Client) -> None:
    """As HTTP/2 sends them."""
    request = get("/cookies").replace(b"\r\n\r\n", b"\r\nCookie: a=1\r\nCookie: b=2\r\nConnection: close\r\n\r\n")
    with open_socket(server.port, request) as connection:
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b'"a":"1"' in received.replace(b" ", b"")
    assert b'"b":"2"' in received.replace(b" ", b"")


@pytest.mark.parametrize(("method", "path", "status", "length"), [("HEAD", "/", 200, ["6"]), ("GET", "/empty/204", 204, [])])
def test_answers_without_a_body(client: Client, method: str, path: str, status: int, length: list[str]) -> None:
    for _ in range(2):  # the connection stays usable
        answer = client.ask(path, method)
        assert (answer.status, answer.body, answer.all("Content-Length")) == (status, b"", length)
    assert client.ask("/stream/head", "HEAD").body == b""


def test_error_before_the_first_chunk_is_a_500(client: Client, server: Server) -> None:
    assert ask_server(server.port, "/fail/first").status == 500
    assert client.ask("/fail/view").status == 500
    assert client.ask("/fail/abort").status == 418


def test_error_in_the_middle_of_a_stream_does_not_look_like_its_end(server: Server, client: Client) -> None:
    with open_socket(server.port, get("/fail/middle")) as connection:
        received = b""
        while data := connection.recv(4096):
            received += data
    assert b"begun\n" in received
    assert not received.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("path", ["/exit/system", "/exit/keyboard", "/exit/sync"])
def test_exit_raised_by_a_view_fails_its_request_only(server: Server, client: Client, path: str) -> None:
    before = client.ask("/state").json["pid"]
    with open_socket(server.port, get("/stream/exit")) as neighbour:
        read_until(neighbour, b"first\n")
        assert ask_server(server.port, path).status == 500
        client.ask("/open/exit", "POST")
        read_until(neighbour, b"second\n")
    assert client.ask("/state").json["pid"] == before


def test_websocket_is_refused(server: Server, client: Client) -> None:
    handshake = (
        b"GET /where HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with open_socket(server.port, handshake) as connection:
        status = connection.recv(4096).split(b" ")[1]
    assert status in {b"403", b"200"}, "refused, or, where the server speaks no WebSocket, an ordinary request"


def test_sync_view_on_an_async_engine_waits_without_stalling_others(server: Server, client: Client) -> None:
    assert client.ask("/sync/session").text == "42"
    assert client.ask("/sync/iterate").text == "1\n2\n3\n"
    assert asyncio.run(burst(server.port, "/sync/meet/4", 4)) == [b"met"] * 4


def test_lazy_load_in_a_template(server: Server, client: Client) -> None:
    name = f"lazy{server.port}"
    assert client.ask(f"/load/write/{name}", "POST").status == 201
    assert client.ask(f"/sync/lazy?name={name}").text == f"{name}: 0"
