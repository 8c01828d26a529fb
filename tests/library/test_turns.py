"""Requests begin one in each iteration of the loop, in the order in which they came."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Iterator, MutableMapping
from contextvars import Context, ContextVar
from typing import Any

import pytest
import uvloop

from flask_oneloop import AsyncFlask, asgi_app
from flask_oneloop.watch import WATCH_EVERY
from tests.library.answers import PATIENCE, Answer
from tests.library.wire import Pipe, Sent
from tests.servers import serve

Message = MutableMapping[str, Any]


@pytest.fixture(params=["uvloop", "asyncio"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    factory = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}[request.param]
    with asyncio.Runner(loop_factory=factory) as runner:
        yield runner


class Begun:
    """An app that notes in which iteration of the loop the requests begin; each waits until all of a test are let go."""

    def __init__(self) -> None:
        self.app = AsyncFlask("probe")
        self.asgi = asgi_app(self.app)
        self.iteration = 0
        self.seen: list[tuple[str, int]] = []
        self.go = asyncio.Event()

        @self.app.get("/<name>")
        async def view(name: str) -> str:
            self.seen.append((name, self.iteration))
            await self.go.wait()
            return name

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.seen]

    def count(self) -> None:
        self.iteration += 1
        asyncio.get_running_loop().call_soon(self.count)

    def ask(self, name: str) -> asyncio.Task[None]:
        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(_: Message) -> None: ...

        scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": f"/{name}", "headers": []}
        return asyncio.create_task(self.asgi(scope, receive, send))

    async def until(self, count: int) -> None:
        """So many have begun."""
        async with asyncio.timeout(PATIENCE):
            while len(self.seen) < count:  # noqa: ASYNC110 - it is iterations that have to pass
                await asyncio.sleep(0)

    async def end(self, *tasks: Awaitable[None]) -> None:
        self.go.set()
        await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)


def test_one_begins_in_each_iteration_first_come_first_served(runner: asyncio.Runner) -> None:
    async def test() -> None:
        begun = Begun()
        names = [str(number) for number in range(20)]
        begun.count()
        tasks = [begun.ask(name) for name in names[:10]]
        await begun.until(5)
        tasks += [begun.ask(name) for name in names[10:]]
        await begun.until(20)  # while all wait: one that waits keeps nobody from beginning
        assert begun.names == names
        assert len({iteration for _, iteration in begun.seen}) == 20
        await begun.end(*tasks)

    runner.run(test())


def test_who_leaves_while_it_waits_is_passed_over(runner: asyncio.Runner) -> None:
    async def test() -> None:
        begun = Begun()
        tasks = [begun.ask(str(number)) for number in range(6)]
        await begun.until(1)
        for number in (2, 3, 5):  # the next in turn is 1, which may have it already; then the cancelled, and the last
            tasks[number].cancel()
        await begun.until(3)
        await begun.end(tasks[0], tasks[1], tasks[4])
        assert begun.names == ["0", "1", "4"]
        assert not begun.asgi.turns._waiting
        last = begun.ask("6")
        await begun.end(last)
        assert begun.names[-1] == "6"

    runner.run(test())


def test_turns_of_a_loop_that_ended_are_forgotten() -> None:
    begun = Begun()

    async def left() -> None:
        for number in range(3):
            begun.ask(str(number))
        await begun.until(1)

    async def later() -> None:
        begun.go = asyncio.Event()
        await begun.end(*(begun.ask(f"later {number}") for number in range(3)))

    for _ in range(2):
        asyncio.run(left())
        begun.seen.clear()
        asyncio.run(later())
        assert begun.names == [f"later {number}" for number in range(3)]
        begun.seen.clear()


def test_context_of_a_request_that_ended_is_kept_by_nothing_that_goes_on(runner: asyncio.Runner) -> None:
    class Thing: ...

    variable: ContextVar[Thing] = ContextVar("variable")

    async def test() -> None:
        begun = Begun()
        context = Context()
        context.run(variable.set, Thing())
        kept = weakref.ref(context[variable])
        first = context.run(begun.ask, "first")
        del context
        await begun.until(1)
        second = begun.ask("second")
        await begun.until(2)
        first.cancel()
        await asyncio.wait([first])
        del first
        await asyncio.sleep(3 * WATCH_EVERY)
        gc.collect()
        assert kept() is None
        await begun.end(second)

    runner.run(test())


BUSY = 48
NEW = 24


@pytest.mark.parametrize("kind", ["uvicorn-httptools-uvloop", "uvicorn-httptools-asyncio"])
def test_new_connections_are_answered_among_busy_ones(kind: str) -> None:
    """Between the coming of the new ones and the last of their first answers nobody else is answered many times."""

    async def test(port: int) -> int:
        answered = 0
        ended = asyncio.Event()

        async def busy() -> None:
            nonlocal answered
            pipe = await Pipe.open(port)
            while not ended.is_set():
                assert await ask(pipe)
                answered += 1
            await pipe.close()

        async def new() -> None:
            pipe = await Pipe.open(port)
            assert await ask(pipe)
            await pipe.close()

        async def ask(pipe: Pipe) -> Answer | None:
            pipe.send(Sent("/steps/0"))
            return await pipe.answer("GET")

        clients = [asyncio.create_task(busy()) for _ in range(BUSY)]
        while answered < 4 * BUSY:  # noqa: ASYNC110 - it is counted by many
            await asyncio.sleep(0.01)
        before = answered
        await asyncio.gather(*(new() for _ in range(NEW)))
        among = answered - before
        ended.set()
        await asyncio.gather(*clients)
        return among

    with serve(kind, "tests.library.app_steps:asgi") as server:
        among = asyncio.run(test(server.port))
    print(f"{among / BUSY:.1f} answers to each busy client before the last of {NEW} new ones had its first")
    assert among < 8 * BUSY
