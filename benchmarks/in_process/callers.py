"""Requests to an app in this process, without a server: as a WSGI server would call it, or as an ASGI server would.

A caller makes batches beforehand, so that what is timed is the app and what it runs on, and not the making of requests.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Flask

from benchmarks.in_process.messages import Answer, Message, environ, scope
from benchmarks.load import Request

Batch = Callable[[], object]
"""Does its work when it is called, once."""
ASGIApp = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class Caller(Protocol):
    """An open app; `close` ends what it holds.

    `error` is the last exception that a view raised, for the reason behind a 500.
    """

    error: BaseException | None

    def batch(self, requests: Sequence[Request], *, check: bool = False) -> Batch:
        """Send the requests one after the other; raises `WrongAnswerError`. With `check` bodies are looked at, too."""

    def sessions(self, count: int) -> Batch:
        """Open a session, query and close it, `count` times."""

    def together(self, batches: Sequence[Batch]) -> None:
        """Run the batches at the same time; raises what one of them raises."""

    def close(self) -> None:
        """Close connections and loops."""


@dataclass
class WSGICaller:
    """Calls the app in the thread that calls the batch. `session` is what a view would do with one, by the app's model."""

    app: Flask
    session: Callable[[], object]
    on_close: Callable[[], object]
    error: BaseException | None = None

    def batch(self, requests: Sequence[Request], *, check: bool = False) -> Batch:
        """See `Caller`."""
        prepared = [(environ(request), Answer(request)) for request in requests]

        def run() -> None:
            for prepared_environ, answer in prepared:
                self._send(prepared_environ, answer)
                answer.require(body=check)

        return run

    def _send(self, environment: dict[str, Any], answer: Answer) -> None:
        def start_response(status: str, *_: object) -> Callable[[bytes], object]:
            answer.status = int(status[:3])
            return answer.chunks.append

        body: Iterable[bytes] = self.app(environment, start_response)
        try:
            answer.chunks.extend(body)
        finally:
            if (close := getattr(body, "close", None)) is not None:
                close()

    def sessions(self, count: int) -> Batch:
        """See `Caller`."""

        def run() -> None:
            for _ in range(count):
                self.session()

        return run

    def together(self, batches: Sequence[Batch]) -> None:
        """Each in a thread of its own."""
        errors: list[BaseException] = []

        def run(batch: Batch) -> None:
            try:
                batch()
            except BaseException as error:  # noqa: BLE001 - raised again below
                errors.append(error)

        threads = [threading.Thread(target=run, args=(batch,), daemon=True) for batch in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def close(self) -> None:
        """See `Caller`."""
        self.on_close()


@dataclass
class ASGICaller:
    """Calls the app on one event loop that lives as long as the caller, each request in a task of its own, as servers do.

    A batch is a single `run_until_complete`, whose cost (scenario `portal`, `own-loop`) is spread over its requests.
    """

    app: ASGIApp
    loop: asyncio.AbstractEventLoop
    session: Callable[[], Coroutine[Any, Any, object]]
    on_close: Callable[[], Coroutine[Any, Any, object]]
    error: BaseException | None = None

    def batch(self, requests: Sequence[Request], *, check: bool = False) -> Batch:
        """See `Caller`."""
        prepared = [(scope(request), Answer(request)) for request in requests]

        async def send() -> None:
            for prepared_scope, answer in prepared:
                await self.loop.create_task(self._send(prepared_scope, answer))
                answer.require(body=check)

        return _Awaited(self.loop, send)

    async def _send(self, prepared_scope: Message, answer: Answer) -> None:
        async def receive() -> Message:
            if prepared_scope.pop("unread", False):
                return {"type": "http.request", "body": answer.request.body, "more_body": False}
            await asyncio.Event().wait()  # the client neither sends nor leaves
            raise AssertionError

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
            else:
                answer.chunks.append(message["body"])

        await self.app(prepared_scope, receive, send)

    def sessions(self, count: int) -> Batch:
        """See `Caller`."""

        async def run() -> None:
            for _ in range(count):
                await self.session()

        return _Awaited(self.loop, run)

    def together(self, batches: Sequence[Batch]) -> None:
        """Each in a task of its own."""

        async def run() -> None:
            async with asyncio.TaskGroup() as group:
                for batch in batches:
                    assert isinstance(batch, _Awaited)
                    group.create_task(batch.make())

        self.loop.run_until_complete(run())

    def close(self) -> None:
        """See `Caller`. What an interrupted batch left unfinished is cancelled first."""

        async def end() -> None:
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            await self.on_close()

        self.loop.run_until_complete(end())
        self.loop.close()


@dataclass
class _Awaited:
    loop: asyncio.AbstractEventLoop
    make: Callable[[], Coroutine[Any, Any, None]]

    def __call__(self) -> None:
        self.loop.run_until_complete(self.make())
