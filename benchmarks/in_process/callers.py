"""Requests to an app in this process, without a server: as a WSGI server would call it, or as an ASGI server would.

A caller makes batches beforehand, so that what is timed is the app and what it runs on, and not the making of requests.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from benchmarks.in_process.messages import Message, Reply, environ, scope
from benchmarks.load import Request
from benchmarks.load.generator import fastest_loop
from benchmarks.machinery.databases import SETTINGS
from benchmarks.subjects.apps import CLOSE
from benchmarks.subjects.contenders import CONTENDERS
from benchmarks.subjects.scenarios import BOOKS_IN_PROCESS, SCENARIOS

Batch = Callable[[], object]
"""Does its work when it is called, once."""
ASGIApp = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


@dataclass
class WSGICaller:
    """Calls the app in the thread that calls the batch."""

    app: Any

    def batch(self, requests: Sequence[Request], *, check: bool = False) -> Batch:
        """Send the requests one after the other; raises `WrongAnswerError`. With `check` bodies are looked at, too."""
        prepared = [(environ(request), Reply(request)) for request in requests]

        def run() -> None:
            for prepared_environ, answer in prepared:
                self._send(prepared_environ, answer)
                answer.require(body=check)

        return run

    def _send(self, environment: dict[str, Any], answer: Reply) -> None:
        def start_response(status: str, *_: object) -> Callable[[bytes], object]:
            answer.status = int(status[:3])
            return answer.chunks.append

        body: Iterable[bytes] = self.app(environment, start_response)
        try:
            answer.chunks.extend(body)
        finally:
            if (close := getattr(body, "close", None)) is not None:
                close()

    def together(self, batches: Sequence[Batch]) -> None:
        """Run the batches at the same time, each in a thread of its own; raises what one of them raises."""
        pool = ThreadPoolExecutor(len(batches))
        try:
            list(pool.map(lambda batch: batch(), batches))
        finally:
            pool.shutdown(wait=False)  # one may hang

    def close(self) -> None:
        """Close its connections."""
        self.app.extensions[CLOSE]()


class ASGICaller:
    """Calls the app on one event loop that lives as long as the caller, each request in a task of its own, as servers do.

    A batch is a single `run_until_complete`, whose cost (`own-loop` among the portals) is spread over its requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.loop = fastest_loop()
        self._lifespan = _Lifespan(app)
        self.loop.run_until_complete(self._lifespan.enter("startup"))
        self._standing = asyncio.all_tasks(self.loop)  # the lifespan's, and what it has started

    def batch(self, requests: Sequence[Request], *, check: bool = False) -> Batch:
        prepared = [(scope(request), Reply(request)) for request in requests]

        async def send() -> None:
            for prepared_scope, answer in prepared:
                await self.loop.create_task(self._send(prepared_scope, answer))
                answer.require(body=check)

        return _Awaited(self.loop, send)

    async def _send(self, prepared_scope: Message, answer: Reply) -> None:
        async def receive() -> Message:
            if prepared_scope.pop("unread", False):
                return {"type": "http.request", "body": answer.request.body, "more_body": False}
            await asyncio.Event().wait()  # the client neither sends nor leaves
            raise AssertionError

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
            else:
                answer.chunks.append(message.get("body", b""))

        await self.app(prepared_scope, receive, send)

    def together(self, batches: Sequence[Batch]) -> None:
        """Each in a task of its own."""

        async def run() -> None:
            async with asyncio.TaskGroup() as group:
                for batch in batches:
                    assert isinstance(batch, _Awaited)
                    group.create_task(batch.make())

        self.loop.run_until_complete(run())

    def close(self) -> None:
        """Close connections and loops; what an interrupted batch left unfinished is cancelled first."""

        async def end() -> None:
            left = asyncio.all_tasks() - self._standing - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            await self._lifespan.enter("shutdown")

        self.loop.run_until_complete(end())
        self.loop.close()


Caller = WSGICaller | ASGICaller
"""An open app."""


def open_contender(name: str, urls: Mapping[str, str]) -> Caller:
    """A contender's app in this process, on databases at these URLs by setting. Raises whatever its start raises."""
    contender = CONTENDERS[name]
    app = contender.factory()({**contender.settings(urls), **SETTINGS})
    return ASGICaller(app) if contender.interface == "asgi" else WSGICaller(app)


@dataclass
class Requests:
    """Batches of consecutive requests of a scenario; they are the same in every process."""

    caller: Caller
    scenario: str
    numbers: Iterator[int] = field(default_factory=count)

    def batch(self, size: int, *, check: bool = False) -> Batch:
        """The next `size` requests."""
        request = SCENARIOS[self.scenario].request
        assert request
        return self.caller.batch([request(next(self.numbers), BOOKS_IN_PROCESS) for _ in range(size)], check=check)


@dataclass
class _Awaited:
    loop: asyncio.AbstractEventLoop
    make: Callable[[], Coroutine[Any, Any, None]]

    def __call__(self) -> None:
        self.loop.run_until_complete(self.make())


class _Lifespan:
    """The lifespan of an app (ASGI 3): one that raises when it is asked for it has none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._to, self._from = asyncio.Queue[Message](), asyncio.Queue[Message]()
        self.task: asyncio.Task[None] | None = None

    async def enter(self, phase: str) -> None:
        """Have the app do what belongs to `startup` or `shutdown`."""
        if self.task is None:
            self.task = asyncio.create_task(self._run())
        if self.task.done():
            return
        await self._to.put({"type": f"lifespan.{phase}"})
        reply = await self._from.get()
        if reply["type"] == f"lifespan.{phase}.failed":
            raise RuntimeError(reply["message"])

    async def _run(self) -> None:
        try:
            await self._app({"type": "lifespan", "asgi": {"version": "3.0"}}, self._to.get, self._from.put)
        except Exception:  # noqa: BLE001 - whatever it is, it means that there is none
            await self._from.put({"type": "none"})
