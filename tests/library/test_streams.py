"""Streamed responses and the sessions they use, read by a client of either model."""

import asyncio
import contextvars
import gc
import threading
import weakref
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator
from contextlib import aclosing, nullcontext, suppress
from typing import Any

import pytest
from flask import Response, current_app, g, request, session, stream_with_context
from sqlalchemy import text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from flask_oneloop import AsyncFlask, stream
from flask_oneloop.exchange import END
from flask_oneloop.flask import _Steps
from tests.library.answers import PATIENCE
from tests.library.conftest import Ask, Closing
from tests.library.contexts import CONTEXTS_ARE_ONE
from tests.library.databases import Databases, Owner, engines, extension, main


def checked_out(app: AsyncFlask) -> int:
    return sum(engine.pool.checkedout() for engine in engines(app))  # type: ignore[attr-defined]


@pytest.fixture
def app(databases: Databases) -> AsyncFlask:
    return databases.app(pool_size=1)


@pytest.mark.parametrize("kind", ["async view", "sync view"])
def test_stream_uses_the_sessions_of_its_request_and_gives_them_back(
    app: AsyncFlask, ask: Ask, closed: list[Session], kind: str
) -> None:
    async def numbers() -> AsyncGenerator[str, None]:
        for number in range(3):
            result = await main(app).scalar(text(f"SELECT {number}"))
            yield f"{result} {request.path} {g.value} {session['key']}\n"

    def answer() -> Response:
        g.value = "of g"
        session["key"] = "of the session"
        return Response(stream_with_context(stream(numbers())))

    @app.get("/sync")
    def sync_view() -> Response:
        return answer()

    @app.get("/async")
    async def async_view() -> Response:
        await main(app).execute(text("SELECT 1"))
        return answer()

    path = f"/{kind.partition(' ')[0]}"
    for _ in range(3):
        assert ask(app, path).text == "".join(f"{number} {path} of g of the session\n" for number in range(3))
        assert checked_out(app) == 0
    assert len(closed) == len({*closed})


def test_what_a_streaming_view_wrote_is_committed(app: AsyncFlask, databases: Databases, ask: Ask) -> None:
    async def names() -> AsyncGenerator[str, None]:
        for name in await main(app).scalars(text("SELECT name FROM owner")):
            yield name

    @app.post("/")
    async def view() -> Response:
        main(app).add(Owner(name="kept"))
        await main(app).flush()
        return Response(stream_with_context(stream(names())))

    assert ask(app, "/", "POST").text == "kept"
    assert databases.count() == 1


def test_session_used_after_the_context_ended_is_a_clear_error(app: AsyncFlask, ask: Ask) -> None:
    """Without ``stream_with_context`` the generator runs after the request's end."""
    errors = []

    @app.get("/")
    async def view() -> Response:
        db = main(app)
        await db.execute(text("SELECT 1"))

        async def late() -> AsyncGenerator[str, None]:
            try:
                await db.execute(text("SELECT 1"))
            except InvalidRequestError as error:
                errors.append(str(error))
            try:
                main(app)
            except RuntimeError as error:
                errors.append(str(error).partition("\n")[0])
            yield "end"

        return Response(stream(late()))

    assert ask(app, "/").text == "end"
    assert len(errors) == 2
    assert "closed" in errors[0]
    assert errors[1] == "Working outside of application context."
    assert checked_out(app) == 0


def test_session_that_was_made_before_the_stream_is_a_clear_error_in_it(app: AsyncFlask, ask: Ask) -> None:
    """The request's context ends and begins again in between: sessions are to be asked for where they are used.

    Since Flask 3.2 it goes on, and the session with it.
    """

    @app.get("/")
    async def view() -> Response:
        made_before = main(app)
        await made_before.execute(text("SELECT 1"))

        async def late() -> AsyncGenerator[str, None]:
            with nullcontext() if CONTEXTS_ARE_ONE else pytest.raises(InvalidRequestError, match="closed"):
                await made_before.execute(text("SELECT 1"))
            yield str(await main(app).scalar(text("SELECT 1")))

        return Response(stream_with_context(stream(late())))

    assert ask(app, "/").text == "1"
    assert checked_out(app) == 0


def test_stream_that_fails_gives_its_connection_back(app: AsyncFlask, closing: Closing, closed: list[Session]) -> None:
    closing(app)

    async def failing() -> AsyncGenerator[str, None]:
        await main(app).execute(text("SELECT 1"))
        yield "begun"
        raise ValueError("in the middle")

    @app.get("/")
    async def view() -> Response:
        return Response(stream_with_context(stream(failing())))

    for _ in range(3):
        with pytest.raises(ValueError, match="in the middle"), app.test_client().get("/", buffered=True):
            pass
        assert checked_out(app) == 0
    assert len(closed) == len({*closed}) == 3


def test_stream_that_nobody_reads_to_its_end_gives_its_connection_back(
    app: AsyncFlask, closing: Closing, closed: list[Session]
) -> None:
    closing(app)
    ends = []

    async def endless() -> AsyncGenerator[str, None]:
        try:
            while True:
                await main(app).execute(text("SELECT 1"))
                yield "more"
        finally:
            await asyncio.sleep(0)
            ends.append("closed")

    @app.get("/")
    async def view() -> Response:
        return Response(stream_with_context(stream(endless())))

    for _ in range(3):
        response = app.test_client().get("/")
        assert [next(response.response) for _ in range(5)] == [b"more"] * 5  # type: ignore[call-overload]
        assert checked_out(app) == 1
        response.close()
        assert checked_out(app) == 0
    assert ends == ["closed"] * 3
    assert len(closed) == len({*closed}) == 3


def test_stream_of_a_session_of_its_own(app: AsyncFlask, ask: Ask, closed: list[Session]) -> None:
    """The way that needs no request: the session lives as long as the generator."""

    async def rows() -> AsyncGenerator[str, None]:
        async with extension(app).new_session("main", read_only=True) as db:
            for number in await db.scalars(text("SELECT 1 UNION ALL SELECT 2")):
                yield f"{number}\n"

    @app.get("/")
    def view() -> Response:
        return Response(stream(rows()))

    for _ in range(2):
        assert ask(app, "/").text == "1\n2\n"
        assert checked_out(app) == 0
    assert len(closed) == 2


class Countdown:
    """An iterator that is no generator."""

    number = 3

    def __aiter__(self) -> "Countdown":
        return self

    async def __anext__(self) -> str:
        await asyncio.sleep(0)
        if not self.number:
            raise StopAsyncIteration
        self.number -= 1
        return str(self.number)


class CountdownOnLoop(Countdown):
    def __aiter__(self) -> Countdown:
        asyncio.get_running_loop()
        return self


class ClosableCountdown(Countdown):
    async def aclose(self) -> None:
        self.number = -1


@pytest.mark.parametrize("kind", [Countdown, CountdownOnLoop, ClosableCountdown])
def test_stream_of_an_iterator_that_is_no_generator(app: AsyncFlask, ask: Ask, kind: type[Countdown]) -> None:
    numbers = [kind(), kind()]

    @app.get("/")
    async def view() -> Response:
        return Response(stream(numbers[0]))

    assert ask(app, "/").text == "210"
    with app.app_context():
        items = stream(numbers[1])
    assert next(items) == "2"
    items.close()  # type: ignore[attr-defined]
    closed = -1
    assert [one.number for one in numbers] == ([closed, closed] if kind is ClosableCountdown else [0, 2])


def test_generator_keeps_a_context_over_its_items(app: AsyncFlask, ask: Ask) -> None:
    async def of_another_app() -> AsyncGenerator[str, None]:
        with AsyncFlask("other").app_context():
            yield current_app.name
            yield current_app.name

    @app.get("/")
    def view() -> Response:
        return Response(stream(of_another_app()))

    assert contextvars.copy_context().run(ask, app, "/").text == "otherother"


def test_generator_keeps_a_timeout_over_its_items(app: AsyncFlask, ask: Ask) -> None:
    """asyncio binds it to the task that enters it."""
    ends = []

    async def limited() -> AsyncGenerator[str, None]:
        try:
            async with asyncio.timeout(0.05):
                yield "first"
                await asyncio.sleep(1)
                ends.append("no timeout")
        except TimeoutError:
            ends.append("timeout")

    @app.get("/")
    def view() -> Response:
        return Response(stream(limited()))

    assert ask(app, "/").text == "first"
    assert ends == ["timeout"]


def slowly(app: AsyncFlask, items: Iterator[str]) -> Iterator[str]:
    """As a client takes them who is slow."""
    for item in items:
        yield item
        app.portal.call(asyncio.sleep, 0.1)


@pytest.mark.parametrize("caught", [True, False])
def test_timeout_over_items_that_ends_between_two_of_them_is_the_generators(app: AsyncFlask, ask: Ask, caught: bool) -> None:
    """The client is slow meanwhile: what waits to send to it is not cancelled, and what comes after the timeout is sent."""
    ends = []

    async def limited() -> AsyncGenerator[str, None]:
        try:
            async with asyncio.timeout(0.01):
                yield "first"
                ends.append("no timeout")
        except TimeoutError:
            ends.append("timeout")
            if not caught:
                raise LookupError from None
        yield ", second"
        yield ", third"

    @app.get("/")
    async def view() -> Response:
        return Response(slowly(app, stream(limited())))

    app.testing = True
    with nullcontext() if caught else pytest.raises(LookupError):
        assert ask(app, "/").text == "first, second, third"
    assert ends == ["timeout"]


def test_item_that_is_asked_for_while_a_timeout_is_handled_is_answered(app: AsyncFlask, ask: Ask) -> None:
    async def limited() -> AsyncGenerator[str, None]:
        try:
            async with asyncio.timeout(0.01):
                yield "first"
                yield "second"
        except TimeoutError:
            await asyncio.sleep(0.2)

    @app.get("/")
    async def view() -> Response:
        return Response(slowly(app, stream(limited())))

    assert ask(app, "/").text == "first"


@pytest.mark.parametrize("when", ["at its end", "at a timeout"])
def test_exit_in_a_generator_that_nobody_waits_for_stops_no_loop(app: AsyncFlask, ask: Ask, when: str) -> None:
    left = []

    async def leaving() -> AsyncGenerator[str, None]:
        try:
            async with asyncio.timeout(0.01 if when == "at a timeout" else None):
                yield "first"
        finally:
            left.append(when)
            raise SystemExit

    @app.get("/")
    async def view() -> Response:
        items = stream(leaving())

        def body() -> Iterator[str]:
            yield next(items)
            app.portal.call(asyncio.sleep, 0.1)
            try:
                items.close()  # type: ignore[attr-defined]
            except SystemExit:
                yield ", left"

        return Response(body())

    @app.get("/next")
    async def next_one() -> str:
        return "served"

    assert ask(app, "/").text == "first, left"
    assert left == [when]
    assert ask(app, "/next").text == "served"


async def released(seen: list[str]) -> AsyncGenerator[str, None]:
    """What it holds takes a while to release."""
    try:
        while True:
            yield "held"
    finally:
        try:
            await asyncio.sleep(0.05)
            seen.append("whole")
        except asyncio.CancelledError:
            seen.append("cut short")
            raise


def test_client_that_leaves_cuts_nothing_short_in_a_generator_that_is_about_to_answer() -> None:
    seen: list[str] = []

    async def leave() -> None:
        steps = _Steps(released(seen))
        await steps.advance()
        asked = asyncio.create_task(steps.advance())
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait([asked])
        assert asked.cancelled()

    asyncio.run(leave())
    assert seen == ["whole"]


def test_server_that_ends_a_request_ends_its_generator_that_takes_its_time() -> None:
    seen: list[str] = []

    async def slow() -> AsyncGenerator[str, None]:
        for number in (1, 2):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append(f"cancelled {number}")
        yield "never"

    async def end() -> None:
        asked = asyncio.create_task(_Steps(slow()).advance())
        for _ in range(2):
            await asyncio.sleep(0.01)
            asked.cancel()
        await asyncio.wait([asked])
        assert asked.cancelled()
        assert seen == ["cancelled 1", "cancelled 2"]

    asyncio.run(end())


class Thing:
    """Of which it can be known whether it is there."""


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("how", ["it fails", "its client leaves"])
def test_what_a_generator_holds_is_freed_at_once_when(how: str) -> None:
    """Not by the collector, some time later: it may be a request and its sessions."""
    held: list[weakref.ref[Thing]] = []

    async def holding() -> AsyncGenerator[Thing, None]:
        thing = Thing()
        held.append(weakref.ref(thing))
        if how == "it fails":
            raise LookupError
        await asyncio.Event().wait()
        yield thing

    async def end() -> None:
        asked = asyncio.create_task(_Steps(holding()).advance())
        await asyncio.sleep(0.01)
        asked.cancel()
        await asyncio.wait([asked])
        assert asked.cancelled() is (how == "its client leaves")

    asyncio.run(end())
    assert [one() for one in held] == [None]


def test_error_of_a_generator_whose_client_leaves_is_raised() -> None:
    async def failing() -> AsyncGenerator[str, None]:
        try:
            await asyncio.Event().wait()
            yield "never"
        finally:
            raise LookupError

    async def leave() -> None:
        asked = asyncio.create_task(_Steps(failing()).advance())
        await asyncio.sleep(0.01)
        asked.cancel()
        with pytest.raises(LookupError):
            await asked

    asyncio.run(leave())


def test_cancellation_of_a_generator_that_has_ended_is_neither_an_item_nor_lost() -> None:
    async def stubborn() -> AsyncGenerator[int, None]:
        for number in range(2):
            with suppress(asyncio.CancelledError):
                yield number

    async def cancel() -> None:
        steps = _Steps(stubborn())
        assert await steps.advance() == 0
        assert steps.task is not None
        for _ in range(2):  # it answers the first with its second number, and ends at the second
            steps.task.cancel()
            await asyncio.sleep(0.01)
        assert [await steps.advance() for _ in range(2)] == [1, END]

        steps = _Steps(stubborn())
        assert await steps.advance() == 0
        assert steps.task is not None
        for _ in range(3):
            steps.task.cancel()
            await asyncio.sleep(0.01)
        with pytest.raises(RuntimeError, match="between two items"):
            await steps.advance()

    asyncio.run(cancel())


@pytest.mark.parametrize("fails", [False, True])
def test_generator_that_is_closed_in_a_task_group_is_closed_in_silence(app: AsyncFlask, fails: bool) -> None:
    """The group raises a group with the GeneratorExit in it, which is no Exception: one of them ended gunicorn's worker."""

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            if fails:
                raise LookupError

    async def grouped() -> AsyncGenerator[str, None]:
        async with asyncio.TaskGroup() as group:
            group.create_task(work())
            await asyncio.sleep(0)
            while True:
                yield "more"

    with app.app_context():
        items = stream(grouped())
    assert next(items) == "more"
    if fails:
        with pytest.raises(ExceptionGroup) as caught:
            items.close()  # type: ignore[attr-defined]
        assert [type(error) for error in caught.value.exceptions] == [LookupError]
    else:
        items.close()  # type: ignore[attr-defined]


def test_group_that_ends_a_generator_between_two_items_fails_the_stream(app: AsyncFlask) -> None:
    """A timeout in one generator that ends while another, which hands its items on, waits for its client."""

    async def grouped() -> AsyncGenerator[str, None]:
        async with asyncio.timeout(0.01), asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait())
            yield "first"
            yield "second"

    async def handing_on() -> AsyncGenerator[str, None]:
        async with aclosing(grouped()) as items:
            async for item in items:
                yield item

    with app.app_context():
        items = slowly(app, stream(handing_on()))
    with pytest.raises(RuntimeError, match="between two items"):
        list(items)


@pytest.mark.usefixtures("no_collector")
def test_stream_that_is_collected_on_the_loop_is_closed(app: AsyncFlask) -> None:
    ended = threading.Event()

    async def endless() -> AsyncGenerator[str, None]:
        try:
            while True:
                yield "more"
        finally:
            await asyncio.sleep(0)
            ended.set()

    async def collect() -> None:
        gc.collect()

    with app.app_context():
        cycle: list[Any] = [stream(endless())]
    assert next(cycle[0]) == "more"
    cycle.append(cycle)
    del cycle
    app.portal.call(collect)
    assert ended.wait(PATIENCE)


class Handed:
    """An iterator that is no generator, over one."""

    def __init__(self, items: AsyncGenerator[str, None]) -> None:
        self.items = items

    def __aiter__(self) -> "Handed":
        return self

    async def __anext__(self) -> str:
        return await anext(self.items)


async def handing_on(items: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    async for item in items:
        yield item


@pytest.mark.parametrize("hand_on", [Handed, handing_on])
def test_timeout_between_two_items_of_a_generator_that_another_iterates_fails_the_stream(
    app: AsyncFlask, ask: Ask, hand_on: Callable[[AsyncGenerator[str, None]], AsyncIterable[str]]
) -> None:
    """And no more: as a CancelledError, which is no Exception, it ended a whole worker of gunicorn."""

    async def limited() -> AsyncGenerator[str, None]:
        async with asyncio.timeout(0.01):
            yield "first"
            yield "second"

    @app.get("/")
    async def view() -> Response:
        return Response(slowly(app, stream(hand_on(limited()))))

    app.testing = True
    with pytest.raises(RuntimeError, match="cancelled between two items"):
        ask(app, "/")
