"""One request's context never reaches another: attacks on real servers, each answer checked for whose it is."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from tests.library.answers import Answer, ask_server
from tests.library.app_users import NOBODY, part
from tests.library.ways import ASYNC, BREAKING, FAILING, FILLED, FORGETTING, REFUSED, USERS, WAYS, WHOLE, Way
from tests.library.wire import Pipe, Sent, in_turn, pipelined, streams
from tests.servers import ASGI_VARIANTS, Server, serve

NATIVE = [*ASGI_VARIANTS, "hypercorn", "granian"]
HTTP2 = ["hypercorn", "granian", "gunicorn-asgi"]
LOOP = ["gunicorn", "gunicorn-one-thread"]

Sending = Callable[[int, Sequence[Sent]], Coroutine[Any, Any, list[Answer | None]]]


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[[str], Server]]:
    """The running server of a kind; it is started when it is first asked for."""
    servers: dict[str, Server] = {}
    with ExitStack() as stack:

        def start(kind: str) -> Server:
            if kind not in servers:
                served = "app_users:app" if kind in LOOP else "app_watched:asgi"
                servers[kind] = stack.enter_context(serve(kind, f"tests.library.{served}"))
            told(servers[kind])  # what another test has left
            return servers[kind]

        yield start
        with ThreadPoolExecutor() as pool:
            list(pool.map(Server.stop, servers.values()))


@pytest.fixture(params=NATIVE)
def native(request: pytest.FixtureRequest, start: Callable[[str], Server]) -> Server:
    return start(request.param)


@pytest.fixture(params=[*NATIVE, *LOOP])
def server(request: pytest.FixtureRequest, start: Callable[[str], Server]) -> Server:
    return start(request.param)


def told(server: Server) -> list[str]:
    """What the app has found wrong since it was last asked."""
    wrong: list[str] = ask_server(server.port, "/wrong").json
    return wrong


def exchange(server: Server, sending: Sending, requests: Sequence[tuple[str | None, Way]]) -> list[str]:
    """Send them on one connection; which answers were wrong."""
    answers = asyncio.run(sending(server.port, [way.sent(user) for user, way in requests]))
    wrong, closed = [], False
    for (user, way), answer in zip(requests, answers, strict=True):
        if not (way.is_right(user, answer) or (closed and answer is None)):
            wrong.append(f"{user}: {way.method} {way.path}: {answer and (answer.status, answer.body[:200])}")
        closed |= way.fails
    return wrong


@pytest.mark.parametrize("sending", [pipelined, in_turn])
def test_request_after_a_stream_that_fills_its_length(native: Server, sending: Sending) -> None:
    silent = len(native.output)
    answers = asyncio.run(sending(native.port, [FILLED.sent("alice"), REFUSED.sent(None)]))
    assert [answer and (answer.status, answer.text) for answer in answers] == [(200, "alicea"), (401, NOBODY)]
    assert told(native) == []
    assert native.output[silent:] == "", "a guard had to help"


def attack(server: Server, sending: Sending, ways: Sequence[Way]) -> list[str]:
    """Ask in each of the ways as somebody; what was wrong then and for those who come after it."""
    wrong = []
    for way in ways:
        others = [(None, REFUSED), ("bobby", ASYNC), (None, WHOLE)]
        found = exchange(server, sending, [("alice", way), *others])
        if way.fails:
            found += exchange(server, sending, others)
        wrong += [f"{way.method} {way.path}: {one}" for one in found]
    return wrong


@pytest.mark.parametrize("sending", [pipelined, in_turn])
def test_requests_of_one_connection_share_nothing(server: Server, sending: Sending) -> None:
    silent = len(server.output)
    assert [*attack(server, sending, [*WAYS, *FAILING, *BREAKING, FORGETTING]), *told(server)] == []
    assert "application context" not in server.output[silent:], "the guard is for what others have left"


@pytest.mark.parametrize("kind", HTTP2)
def test_streams_of_one_http2_connection_share_nothing(start: Callable[[str], Server], kind: str) -> None:
    server = start(kind)
    wrong = attack(server, streams, [*WAYS, *FAILING])
    many = [(user, way) for way in WAYS for user in (*USERS[:3], None)]
    assert [*wrong, *exchange(server, streams, many), *told(server)] == []


@pytest.mark.parametrize("sending", [pipelined, in_turn])
def test_requests_after_big_bodies(server: Server, sending: Sending) -> None:
    """Their reading is paused and goes on, at other places of a server's code."""
    big = [
        ("alice", Way("/sync?body=sync&length=6", method="POST", upload=300_000)),
        (None, REFUSED),
        ("bobby", Way("/async?body=async&chunks=3,9", method="POST", upload=300_000, chunked=True, sizes=(3, 9))),
        (None, WHOLE),
        ("carol", Way("/async", method="POST", upload=5_000_000)),
        (None, REFUSED),
    ]
    assert [*exchange(server, sending, big), *told(server)] == []


def test_server_works_in_its_own_context(native: Server) -> None:
    """What it does in ``send`` and ``receive``, and the tasks and callbacks that begin there, see nothing of the application's.

    The slow requests are those whose clients are watched; they overlap, and each has a watcher of its own.
    """
    wrong = exchange(native, in_turn, [("alice", way.watched()) for way in (*WAYS, FAILING[0])])

    async def slowly(user: str) -> list[Answer | None]:
        ways = [Way("/async?pause=0.25&body=async&length=6"), REFUSED]
        return await pipelined(native.port, [way.watched().sent(name) for way, name in zip(ways, (user, None), strict=True)])

    async def all_slowly() -> list[list[Answer | None]]:
        return await asyncio.gather(*(slowly(user) for user in USERS[:4]))

    for user, answers in zip(USERS, asyncio.run(all_slowly()), strict=False):
        assert [answer and answer.text for answer in answers] == [part(user, 6).decode(), NOBODY]
    assert [*wrong, *told(native)] == []


def asked_in_turn(server: Server, requests: Sequence[tuple[str | None, Way]]) -> list[str]:
    """What was wrong with requests that begin in a context which somebody has left; that is logged as an error."""
    silent = len(server.output)
    wrong = [*exchange(server, in_turn, requests), *told(server)]
    return wrong if "application context" in server.output[silent:] else [*wrong, "no error was logged"]


@pytest.mark.parametrize("kind", ["uvicorn-h11-asyncio", "gunicorn-asgi", "granian"])
@pytest.mark.parametrize("left", ["forgetful", "forgetful=request"])
def test_context_that_a_middleware_has_left_is_not_the_requests(start: Callable[[str], Server], kind: str, left: str) -> None:
    ways = [Way(f"/async?{left}&spawn"), Way(f"/private?{left}", 401), Way(f"/async?{left}&body=bare&length=6")]
    assert asked_in_turn(start(kind), [*zip(("alice", None, "bobby"), ways, strict=True)]) == []


@pytest.mark.parametrize(("kind", "served"), [("uvicorn", "asgi"), ("gunicorn-sync", "app")])
def test_context_that_was_left_at_import_is_not_the_requests(kind: str, served: str) -> None:
    """uvicorn imports the app inside its main task, with whose context all others begin; the worker's thread is its main one."""
    with serve(kind, f"tests.library.app_pushed:{served}") as server:
        for request in (("alice", ASYNC), (None, REFUSED), ("bobby", FILLED), (None, WHOLE)):
            assert asked_in_turn(server, [request]) == []


CONNECTIONS = 24
REQUESTS = 1500


async def storm(port: int, requests: int) -> list[str]:
    """So many requests on `CONNECTIONS` connections, some pipelined, some left before their answer; which answers were wrong."""
    chosen = random.Random(11)
    left = requests
    wrong = []

    async def client() -> None:
        nonlocal left
        pipe = await Pipe.open(port)
        while left > 0:
            batch = [(chosen.choice((*USERS, None)), chosen.choice(WAYS)) for _ in range(chosen.choice((1, 1, 2, 4)))]
            left -= len(batch)
            pipe.send(*(way.sent(user) for user, way in batch))
            if chosen.random() < 0.05:
                await asyncio.sleep(chosen.random() / 100)
                await pipe.close()
                pipe = await Pipe.open(port)
                continue
            for user, way in batch:
                answer = await pipe.answer(way.method)
                if not way.is_right(user, answer):
                    wrong.append(f"{user}: {way.method} {way.path}: {answer and (answer.status, answer.body[:200])}")
                    if answer is None:
                        await pipe.close()
                        pipe = await Pipe.open(port)
                        break
        await pipe.close()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return wrong


def test_every_answer_among_thousands_is_its_users_own(server: Server) -> None:
    requests = REQUESTS if server.kind in {"uvicorn-httptools-uvloop", "uvicorn-h11-asyncio"} else REQUESTS // 5
    assert [*asyncio.run(storm(server.port, requests)), *told(server)] == []


@pytest.mark.parametrize("path", ["/sync?body=sync&length=12", "/async?body=async&pause=0.05&chunks=6,60000,600000,600000"])
def test_requests_after_a_client_that_left(native: Server, path: str) -> None:
    """Once when the stream has ended short of its length, once while the server cannot send on."""

    async def come_and_leave() -> None:
        pipe = await Pipe.open(native.port)
        pipe.send(Way(path).sent("alice"), REFUSED.sent(None))
        with suppress(asyncio.IncompleteReadError):
            await pipe.reader.readuntil(b"alicea")
        await pipe.close()

    async def come_and_stay() -> list[bool]:
        pipe = await Pipe.open(native.port)
        answers = []
        for _ in range(4):
            await come_and_leave()
            for user, way in ((None, REFUSED), ("bobby", ASYNC)):
                pipe.send(way.sent(user))
                answers.append(way.is_right(user, await pipe.answer(way.method)))
        await pipe.close()
        return answers

    assert asyncio.run(come_and_stay()) == [True] * 8
    assert told(native) == []
