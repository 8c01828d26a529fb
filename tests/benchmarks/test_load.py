"""The load generator against real servers that behave, and that misbehave in every way it has to tell apart."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import pairwise
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest
import uvloop

from benchmarks.load import Kind, LoadOutcome, LoadPlan, Request, opened
from benchmarks.load.generator import NewLoop, fastest_loop

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
READ = (Kind("read", Request("/", check=lambda body: body == b"ok")),)


@pytest.fixture(scope="module", autouse=True)
def _collected_once() -> Iterator[None]:
    """Each load begins with a look at all objects of its process, many of which here are not its own; the last test has one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.load.generator.gc", SimpleNamespace(collect=int, freeze=int, unfreeze=int))
        yield


def run(plan: LoadPlan, *, new_loop: NewLoop = fastest_loop) -> LoadOutcome:
    """Send the load of `plan` and wait for its end."""
    with opened(plan.port, plan.connections, host=plan.host, timeout=plan.timeout, new_loop=new_loop) as drive:
        return drive(plan)


class Server:
    """Counts connections and requests; `respond` gets each request and returns whether to keep the connection."""

    def __init__(self, respond: Callable[[Server, asyncio.StreamWriter], Awaitable[bool]]) -> None:
        self.respond = respond
        self.connections = self.busy = self.busiest = 0
        self.paths: list[str] = []
        self.bodies: list[bytes] = []
        self.idle = threading.Event()
        self.writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.loop = asyncio.get_running_loop()
        self.idle.clear()
        self.writers.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self.answer(reader, writer):
                    pass
        finally:
            writer.close()
            self.writers.discard(writer)
            if not self.writers:
                self.idle.set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.partition("Content-Length: ")[2].partition("\r\n")[0] or 0)
        self.bodies.append(await reader.readexactly(length))
        self.paths.append(head.split()[1])
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        keep = await self.respond(self, writer)
        self.busy -= 1
        return keep


@contextmanager
def serving(
    respond: Callable[[Server, asyncio.StreamWriter], Awaitable[bool]], bound: socket.socket | None = None
) -> Iterator[tuple[Server, int]]:
    """A server in a thread of its own, on a free port or on a socket that is `bound` already; and its port."""
    server, listening = Server(respond), Future[int]()
    loop = uvloop.new_event_loop()  # asyncio's trips over a connection that comes while it stops listening
    stop = asyncio.Event()

    async def main() -> None:
        host, port = (None, None) if bound else ("127.0.0.1", 0)
        async with await asyncio.start_server(server.serve, host, port, sock=bound) as listener:
            listening.set_result(listener.sockets[0].getsockname()[1])
            await stop.wait()
        quiet = 0
        while quiet < 5:  # a connection that was just accepted gets its handler in the fourth turn of the loop
            quiet = quiet + 1 if len(asyncio.all_tasks()) == 1 else 0
            for writer in server.writers:
                writer.transport.abort()
            await asyncio.sleep(0)

    def work() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(main())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield server, listening.result(5)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def always(answer: bytes, *, keep: bool = True) -> Callable[[Server, asyncio.StreamWriter], Awaitable[bool]]:
    async def respond(server: Server, writer: asyncio.StreamWriter) -> bool:
        writer.write(answer)
        return keep

    return respond


async def slow(server: Server, writer: asyncio.StreamWriter) -> bool:
    await asyncio.sleep(0.005)
    writer.write(OK)
    return True


@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_closed_loop_counts_every_request_once(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with serving(slow) as (server, port):
        outcome = run(LoadPlan(port=port, mix=READ, seconds=0.5, connections=5), new_loop=new_loop)
        assert server.idle.wait(5), "connections were left open"
    assert outcome.errors == outcome.failed == {}
    assert outcome.count == outcome.answered["read"] == len(server.paths) > 5
    assert 0.5 <= outcome.seconds <= outcome.wall
    assert outcome.throughput == outcome.count / outcome.seconds
    assert server.connections == server.busiest == 5  # persistent, and all at work
    assert outcome.overall.shortest >= 0.004  # the loop rounds its 5 ms
    assert outcome.lateness.count == 0
    assert outcome.wall >= 0.5
    assert outcome.cpu > 0
    assert outcome.loop == new_loop.__module__.partition(".")[0]


def test_several_loads_use_the_same_connections() -> None:
    with serving(slow) as (server, port), serving(slow) as (other, other_port):
        plans = [LoadPlan(port=one, mix=READ, seconds=0.1, connections=5) for one in (port, other_port)]
        with opened(port, 5) as drive, opened(other_port, 5) as drive_other:
            assert not server.paths
            outcomes = [each(plan) for _ in range(3) for each, plan in zip((drive, drive_other), plans, strict=True)]
            open_loop = drive(LoadPlan(port=port, mix=READ, seconds=0.1, rate=100))
            assert server.connections == other.connections == 5
        assert server.idle.wait(5), "connections were left open"
    outcomes.append(open_loop)
    assert all(not outcome.failed for outcome in outcomes)
    assert sum(outcome.count for outcome in outcomes) == len(server.paths) + len(other.paths)
    assert open_loop.count == 10
    assert [later.began > earlier.began + 0.1 for earlier, later in pairwise(outcomes)] == [True] * 6


def test_a_connection_that_is_lost_between_two_loads_is_opened_again() -> None:
    with serving(slow) as (server, port):
        plan = LoadPlan(port=port, mix=READ, seconds=0.3, connections=3)
        with opened(port, 3) as drive:
            first = drive(plan)
            for writer in list(server.writers)[:2]:
                server.loop.call_soon_threadsafe(writer.transport.abort)
            while len(server.writers) > 1:
                time.sleep(0.01)
            second = drive(plan)
    assert first.failed == second.failed == {}
    assert first.count + second.count == len(server.paths)
    assert server.connections == 5
    assert server.busiest == 3


@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
@pytest.mark.parametrize("arrivals", ["poisson", "uniform"])
def test_open_loop_sends_its_schedule(arrivals: str, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with serving(slow) as (server, port):
        plan = LoadPlan(port=port, mix=READ, seconds=0.75, warmup=0.25, rate=100, arrivals=arrivals)  # type: ignore[arg-type]
        outcome = run(plan, new_loop=new_loop)
    assert outcome.failed == {}
    assert outcome.answered == {"read": 100}
    assert len(server.paths) == 100
    measured = sum(start >= 0.25 for start in plan.schedule())
    assert outcome.count == outcome.lateness.count == measured
    assert outcome.early.count == 100 - measured
    assert LoadOutcome.from_json(json.loads(json.dumps(outcome.to_json()))) == outcome
    assert server.connections == 32


def test_a_stall_shows_in_every_request_that_it_delayed() -> None:
    """A server that stands still for 1 s in 6: open loop, so nothing may hide behind what waited."""
    rate, seconds, stall, before = 200, 6, 1.0, 400

    async def respond(server: Server, writer: asyncio.StreamWriter) -> bool:
        if len(server.paths) == before:
            time.sleep(stall)  # noqa: ASYNC251 - the whole server stands still
        writer.write(OK)
        return True

    with serving(respond) as (server, port):
        outcome = run(LoadPlan(port=port, mix=READ, seconds=seconds, rate=rate, arrivals="uniform"))
    assert outcome.answered == {"read": rate * seconds}
    assert len(server.paths) == rate * seconds
    # The request that is hit waits the whole stall, each one after it 1 / rate less, the others not at all.
    truth = np.zeros(rate * seconds)
    truth[: int(stall * rate)] = stall - np.arange(int(stall * rate)) / rate
    for percent, rounded in ((90, 0.4), (99, 0.94)):
        exact = np.percentile(truth, percent, method="inverted_cdf")
        assert exact == pytest.approx(rounded, abs=0.01)
        # Not a moment less; more only by what the server takes to work off what waited.
        assert 0.99 * exact <= outcome.overall.percentile(percent) <= exact + stall / 2
    assert outcome.overall.longest >= stall
    assert outcome.lateness.percentile(99) < stall / 2  # it was the server that was late


def test_warm_up_is_sent_but_not_measured() -> None:
    async def respond(server: Server, writer: asyncio.StreamWriter) -> bool:
        writer.write(OK if len(server.paths) > 25 else OK.replace(b"200 OK", b"503 Not yet"))
        return True

    with serving(respond) as (server, port):
        plan = LoadPlan(port=port, mix=READ, warmup=0.25, seconds=0.25, rate=100, arrivals="uniform", connections=1)
        outcome = run(plan)
    assert outcome.failed == {"status": 25}
    assert outcome.errors == {}
    assert outcome.answered == {"read": 25}
    assert outcome.count == 25
    assert len(server.paths) == 50


def test_a_closed_loop_lasts_to_its_last_answer() -> None:
    """Five connections that are served one after the other: those that wait at the end are counted, and so is their wait."""
    turns = asyncio.Lock()

    async def one_at_a_time(server: Server, writer: asyncio.StreamWriter) -> bool:
        async with turns:
            await asyncio.sleep(0.1)
            writer.write(OK)
        return True

    with serving(one_at_a_time) as (_, port):
        outcome = run(LoadPlan(port=port, mix=READ, seconds=0.25, connections=5))
    assert outcome.count == 7  # two were answered by the end, and five were on their way
    assert 0.7 <= outcome.seconds <= outcome.wall
    assert outcome.throughput <= 10


def test_the_mix_is_drawn_by_weight_and_by_seed() -> None:
    mix = (
        Kind("read", Request("/read"), 3),
        Kind("made", lambda random: Request(f"/made/{random.randrange(10**9)}")),
    )
    seen = []
    for seed in (1, 1, 2):
        with serving(always(OK)) as (server, port):
            plan = LoadPlan(port=port, mix=mix, seconds=0.5, rate=800, connections=1, arrivals="uniform", seed=seed)
            outcome = run(plan)
        made = sum(path.startswith("/made/") for path in server.paths)
        assert outcome.answered == {"read": 400 - made, "made": made}
        assert {kind: latency.count for kind, latency in outcome.latency.items()} == outcome.answered
        assert made == pytest.approx(100, abs=43)  # 5 standard deviations of a binomial
        assert len(set(server.paths)) == made + 1  # made anew each time
        seen.append(server.paths)
    assert seen[0] == seen[1] != seen[2]


def test_bodies_arrive_and_answers_in_chunks_are_put_together() -> None:
    async def echo(server: Server, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n")
        body = server.bodies[-1]
        for start in range(0, len(body), 100_000):
            part = body[start : start + 100_000]
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        return True

    payload = Random(0).randbytes(1_000_000)
    create = Request("/", "POST", payload, status=201, check=lambda body: body == payload)
    with serving(echo) as (server, port):
        outcome = run(LoadPlan(port=port, mix=(Kind("create", create),), seconds=0.3, connections=2))
    assert outcome.failed == {}
    assert outcome.answered["create"] == len(server.bodies) > 0
    assert set(server.bodies) == {payload}


def broken(body: bytes) -> bool:
    raise KeyError("title")


@pytest.mark.parametrize(
    ("request_", "failure", "example"),
    [
        (Request("/", status=201), "status", "read: 200, not 201: b'ok'"),
        (Request("/", check=lambda body: body == b"no"), "check", "read: wrong body: b'ok'"),
        (Request("/", check=broken), "check", "read: KeyError('title'): b'ok'"),
    ],
)
def test_wrong_answers_are_counted_and_shown(request_: Request, failure: str, example: str) -> None:
    with serving(always(OK)) as (server, port):
        outcome = run(LoadPlan(port=port, mix=(Kind("read", request_),), seconds=0.1, connections=2))
    assert outcome.errors == outcome.failed == {failure: len(server.paths)}
    assert outcome.examples == {failure: example}
    assert outcome.answered == {}
    assert outcome.count == 0
    assert server.connections == 2  # a wrong answer is no reason to part


NO_ANSWERS = [
    (b"", "reset"),
    (b"HTTP/1.1 200 OK\r\nContent-Le", "reset"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", "reset"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok", "reset"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "reset"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "reset"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "protocol"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n", "protocol"),
    (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "protocol"),
    (OK + OK, "protocol"),
    (OK + b"garbage", "protocol"),
]


@pytest.mark.parametrize(
    ("answer", "failure", "new_loop"),
    [(*one, uvloop.new_event_loop) for one in NO_ANSWERS] + [(*one, asyncio.new_event_loop) for one in NO_ANSWERS[::5]],
)
def test_answers_that_are_none(answer: bytes, failure: str, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with serving(always(answer, keep=False)) as (server, port):
        outcome = run(LoadPlan(port=port, mix=READ, seconds=0.1, connections=2, timeout=5), new_loop=new_loop)
    assert outcome.errors == outcome.failed == {failure: len(server.paths)}
    assert len(server.paths) >= 2
    assert outcome.answered == {}
    assert outcome.examples[failure].startswith("read: ")


@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_a_server_that_resets_now_and_then(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def respond(server: Server, writer: asyncio.StreamWriter) -> bool:
        if len(server.paths) % 3 == 0:
            writer.transport.abort()
            return False
        writer.write(OK)
        return True

    with serving(respond) as (server, port):
        outcome = run(LoadPlan(port=port, mix=READ, seconds=0.5, rate=60, arrivals="uniform", connections=1), new_loop=new_loop)
    assert outcome.errors == {"reset": 10}
    assert outcome.answered == {"read": 20}
    assert outcome.count == 20
    assert server.connections in {10, 11}  # the eleventh replaces the last for nobody


async def never(server: Server, writer: asyncio.StreamWriter) -> bool:
    await writer.wait_closed()
    return False


@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_a_server_that_stalls_for_ever(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with serving(never) as (server, port):
        closed = run(LoadPlan(port=port, mix=READ, seconds=0.5, connections=3, timeout=0.2), new_loop=new_loop)
        assert closed.errors == {"timeout": len(server.paths)}
        assert len(server.paths) >= 3
        assert closed.examples == {"timeout": "read: no answer within 0.2 s"}
        assert closed.count == 0
        before = len(server.paths)
        plan = LoadPlan(port=port, mix=READ, seconds=0.5, rate=100, arrivals="uniform", connections=3, timeout=0.2)
        opened = run(plan, new_loop=new_loop)
        sent = len(server.paths) - before
    assert opened.errors == {"timeout": sent, "unsent": 50 - sent}
    assert 3 <= sent < 50


def test_a_body_that_stops_coming_runs_into_the_time_limit() -> None:
    async def respond(server: Server, writer: asyncio.StreamWriter) -> bool:
        writer.write(OK[:-1])
        return await never(server, writer)

    with serving(respond) as (server, port):
        outcome = run(LoadPlan(port=port, mix=READ, seconds=0.1, connections=2, timeout=0.1))
    assert outcome.errors == {"timeout": len(server.paths)}


@pytest.mark.parametrize(
    "answer",
    [
        OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        OK.replace(b"HTTP/1.1", b"HTTP/1.0"),
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok",  # its end is the connection's
    ],
)
@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_a_server_that_closes_after_each_answer_is_no_error(
    answer: bytes, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    with serving(always(answer, keep=False)) as (server, port):
        outcome = run(LoadPlan(port=port, mix=READ, seconds=0.1, connections=4), new_loop=new_loop)
    assert outcome.failed == {}
    assert outcome.answered["read"] == len(server.paths) > 4
    assert len(server.paths) <= server.connections <= len(server.paths) + 4


def test_a_server_that_closes_idle_connections_is_no_error() -> None:
    with serving(always(OK, keep=False)) as (server, port):
        outcome = run(LoadPlan(port=port, mix=READ, seconds=1, rate=5, arrivals="uniform", connections=1))
    assert outcome.failed == {}
    assert outcome.answered == {"read": 5}
    assert server.connections in {5, 6}


def test_what_an_idle_connection_says_unasked_is_no_answer() -> None:
    async def respond(server: Server, writer: asyncio.StreamWriter) -> bool:
        writer.write(OK)
        await asyncio.sleep(0.05)
        writer.write(OK.replace(b"200 OK", b"408 Idle"))
        return True

    with serving(respond) as (server, port):
        outcome = run(LoadPlan(port=port, mix=READ, seconds=1, rate=5, arrivals="uniform", connections=1))
    assert outcome.failed == {}
    assert outcome.answered == {"read": 5}
    assert server.connections in {5, 6}


@pytest.mark.parametrize("rate", [None, 20])
@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_nobody_there(rate: float | None, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # ours, and nobody listens
        plan = LoadPlan(port=held.getsockname()[1], mix=READ, seconds=0.5, rate=rate, arrivals="uniform", connections=2)
        outcome = run(plan, new_loop=new_loop)
    assert set(outcome.errors) == {"refused"}
    if rate:
        assert outcome.errors["refused"] == 10
    else:
        assert 2 <= outcome.errors["refused"] <= 12  # each tries again in 0.1 s, not at once
    assert outcome.count == 0


def test_a_server_that_comes_late_is_found() -> None:
    with socket.socket() as held, ThreadPoolExecutor() as pool:
        held.bind(("127.0.0.1", 0))
        plan = LoadPlan(port=held.getsockname()[1], mix=READ, seconds=1, rate=50, arrivals="uniform", connections=2)
        running = pool.submit(run, plan)
        with pytest.raises(TimeoutError):
            running.result(timeout=1.6)  # about 1 s for its connections, then it began without
        with serving(always(OK), held) as (server, _):
            outcome = running.result()
    assert outcome.errors["refused"] + outcome.answered["read"] == 50
    assert outcome.answered["read"] == len(server.paths) > 0
    assert server.connections == 2


@pytest.mark.parametrize("call", [1, 10])
@pytest.mark.parametrize("rate", [None, 100])
@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_a_fault_in_the_plan_is_raised(
    call: int, rate: float | None, keep: bool, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """Though it happens but once, wherever the request is made: at the start, on an answer, on a new connection."""
    calls = iter(range(1, 1_000_000))

    def make(random: Random) -> Request:
        if next(calls) == call:
            raise LookupError("no books to ask for")
        return Request("/")

    answer = OK.replace(b"\r\n\r\n", b"\r\nConnection: %b\r\n\r\n" % (b"keep-alive" if keep else b"close"))
    with serving(always(answer, keep=keep)) as (server, port), pytest.raises(LookupError, match="no books"):
        run(LoadPlan(port=port, mix=(Kind("read", make),), seconds=0.5, rate=rate, connections=1), new_loop=new_loop)
    if rate is None and call == 10:
        assert len(server.paths) >= 9


def test_a_process_of_its_own_and_json() -> None:
    with (
        serving(slow) as (server, port),
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        plan = LoadPlan(port=port, mix=(Kind("read", Request("/")),), seconds=0.3, warmup=0.1, rate=100)
        outcome = pool.submit(run, plan).result()
    assert outcome.answered == {"read": len(server.paths)} == {"read": 40}
    assert LoadOutcome.from_json(json.loads(json.dumps(outcome.to_json(), allow_nan=False))) == outcome
