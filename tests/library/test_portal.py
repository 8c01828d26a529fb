"""The portal: coroutines called from synchronous code, in the process they are called in."""

import asyncio
import contextvars
import threading
import traceback
import weakref
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import current_app, g

from flask_oneloop import AsyncFlask, stream
from tests.library.answers import PATIENCE, in_background, in_time
from tests.library.conftest import Ask

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")


@pytest.fixture
def app() -> AsyncFlask:
    return AsyncFlask("probe")


async def loop_of_caller() -> int:
    return id(asyncio.get_running_loop())


def test_returns_the_result_of_the_arguments(app: AsyncFlask) -> None:
    async def join(first: str, *, second: str) -> str:
        await asyncio.sleep(0)
        return first + second

    assert app.portal.call(join, "a", second="b") == "ab"
    assert app.async_to_sync(join)("c", second="d") == "cd"


@pytest.mark.usefixtures("no_collector")
def test_an_app_is_freed_as_soon_as_nobody_refers_to_it() -> None:
    """As on plain Flask, which takes care to make no cycle: not by the collector, some time later."""
    app = AsyncFlask("probe", static_folder="static")
    app.add_url_rule("/", "index", lambda: "")
    freed = weakref.ref(app)
    del app
    assert freed() is None


def entering(loop: asyncio.AbstractEventLoop, coroutine: Any, context: contextvars.Context | None = None) -> "asyncio.Task[Any]":
    """A task that enters its context at once, as an eager one does."""
    if context is not None:
        context.run(bool)
    return asyncio.Task(coroutine, loop=loop, context=context)


@pytest.mark.parametrize("factory", [entering, *filter(None, [getattr(asyncio, "eager_task_factory", None)])])
def test_loop_may_have_eager_tasks(app: AsyncFlask, factory: Any) -> None:
    async def call() -> str:
        asyncio.get_running_loop().set_task_factory(factory)
        await app.portal.adopt()
        called = in_background(lambda: app.portal.call(asyncio.sleep, 0.01, "woken"))
        result = await asyncio.wait_for(asyncio.wrap_future(called), PATIENCE)
        await app.portal.release()
        return result

    assert asyncio.run(call()) == "woken"


def test_exception_has_the_frames_of_both_sides(app: AsyncFlask) -> None:
    class OddError(Exception):
        pass

    async def inner() -> None:
        await asyncio.sleep(0)
        raise OddError("reason")

    async def outer() -> None:
        await inner()

    with pytest.raises(OddError, match=r"^reason$") as caught:
        app.portal.call(outer)
    names = [frame.name for frame in traceback.extract_tb(caught.tb)]
    assert names[0] == "test_exception_has_the_frames_of_both_sides"
    assert names[-2:] == ["outer", "inner"]


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit])
def test_exits_reach_the_caller_and_the_loop_goes_on(app: AsyncFlask, kind: type[BaseException]) -> None:
    before = app.portal.call(loop_of_caller)

    async def leave() -> None:
        await asyncio.sleep(0)
        raise kind("reason")

    for _ in range(3):
        with pytest.raises(kind, match=r"^reason$"):
            in_time(lambda: app.portal.call(leave))
    assert in_time(lambda: app.portal.call(loop_of_caller)) == before


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("awaited", [True, False])
def test_exit_of_a_child_task_stops_nobody_else(
    app: AsyncFlask, kind: type[BaseException], awaited: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Here asyncio lets the exception out of ``run_forever``, also into the face of calls that only share the loop."""
    started, ended = threading.Event(), asyncio.Event()

    async def neighbour() -> str:
        started.set()
        await ended.wait()
        return "unharmed"

    async def end() -> None:
        ended.set()

    async def child() -> None:
        raise kind("reason")

    children = []

    async def parent() -> str:
        children.append(asyncio.create_task(child()))
        if awaited:
            await children[0]
        else:
            await asyncio.wait(children)
        return "went on"

    other = in_background(lambda: app.portal.call(neighbour))
    assert started.wait(PATIENCE)
    if awaited:
        with pytest.raises(kind, match=r"^reason$"):
            in_time(lambda: app.portal.call(parent))
    else:
        assert in_time(lambda: app.portal.call(parent)) == "went on"
        assert isinstance(children[0].exception(), kind)
    in_time(lambda: app.portal.call(end))
    assert other.result(PATIENCE) == "unharmed"
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_context_variables_go_in_and_come_back(app: AsyncFlask) -> None:
    async def change() -> str:
        await asyncio.sleep(0)
        seen = variable.get()
        variable.set("of the coroutine")
        return seen

    def check() -> None:
        with pytest.raises(LookupError):
            variable.get()
        variable.set("of the caller")
        assert app.portal.call(change) == "of the caller"
        assert variable.get() == "of the coroutine"

    contextvars.Context().run(check)
    contextvars.Context().run(check)


def test_context_variable_that_is_reset_is_as_before(app: AsyncFlask) -> None:
    async def change_and_reset() -> None:
        token = variable.set("of the coroutine")
        await asyncio.sleep(0)
        variable.reset(token)

    def check() -> None:
        app.portal.call(change_and_reset)
        with pytest.raises(LookupError):
            variable.get()
        token = variable.set("of the caller")
        app.portal.call(change_and_reset)
        assert variable.get() == "of the caller"
        variable.reset(token)
        with pytest.raises(LookupError):
            variable.get()

    contextvars.Context().run(check)


def test_context_variables_come_back_with_an_exception_too(app: AsyncFlask) -> None:
    async def change() -> None:
        variable.set("of the coroutine")
        raise ValueError

    def check() -> None:
        with pytest.raises(ValueError):
            app.portal.call(change)
        assert variable.get() == "of the coroutine"

    contextvars.Context().run(check)


def test_calls_of_many_threads_overlap_on_one_loop(app: AsyncFlask) -> None:
    threads, times = 16, 25
    barrier = asyncio.Barrier(threads)

    async def meet(thread: int, time: int) -> tuple[int, int, int, str]:
        variable.set(f"{thread} {time}")
        await barrier.wait()
        return thread, time, await loop_of_caller(), variable.get()

    def call(thread: int) -> list[tuple[int, int, int, str]]:
        return [app.portal.call(meet, thread, time) for time in range(times)]

    with ThreadPoolExecutor(threads) as pool:
        results = [one for calls in pool.map(call, range(threads)) for one in calls]
    expected = app.portal.call(loop_of_caller)
    assert results == [(thread, time, expected, f"{thread} {time}") for thread in range(threads) for time in range(times)]


def test_first_call_of_many_threads_starts_one_loop(app: AsyncFlask) -> None:
    def threads_of_the_loop() -> int:
        return sum(thread.name == "event-loop" for thread in threading.enumerate())

    with ThreadPoolExecutor(8) as pool:
        assert len({*pool.map(lambda _: app.portal.call(loop_of_caller), range(64))}) == 1
    assert threads_of_the_loop() == 1


def test_apps_of_one_process_share_its_loop(app: AsyncFlask) -> None:
    other = AsyncFlask("other")
    assert app.portal.call(loop_of_caller) == other.portal.call(loop_of_caller)
    other.portal.call(other.portal.close)
    assert app.portal.call(loop_of_caller) == other.portal.call(loop_of_caller)


def test_call_from_the_loops_own_thread_is_a_clear_error(app: AsyncFlask, ask: Ask) -> None:
    async def needed() -> None: ...

    @app.get("/")
    async def view() -> str:
        with pytest.raises(RuntimeError, match=r"needed was called synchronously from the loop: await it instead"):
            app.ensure_sync(needed)()
        return "went on"

    assert ask(app, "/").text == "went on"


def test_thread_started_by_a_view_can_call(app: AsyncFlask, ask: Ask) -> None:
    async def name_of_the_app() -> tuple[int, str, str]:
        return await loop_of_caller(), current_app.name, g.value

    @app.get("/")
    async def view() -> list[object]:
        g.value = "of the request"
        in_thread = await asyncio.to_thread(app.portal.call, name_of_the_app)
        return [list(in_thread), [await loop_of_caller(), "probe", "of the request"]]

    answer = ask(app, "/").json
    assert answer[0] == answer[1]


def test_client_works_inside_a_coroutine_of_another_loop(app: AsyncFlask) -> None:
    """What an async test does."""

    @app.get("/")
    async def view() -> str:
        return str(await loop_of_caller())

    async def test() -> tuple[str, int]:
        return app.test_client().get("/").text, await loop_of_caller()

    seen, own = asyncio.run(test())
    assert seen == str(app.portal.call(loop_of_caller))
    assert seen != str(own)


def test_stream_gives_the_items_in_turn_and_closes_the_generator(app: AsyncFlask) -> None:
    events = []

    async def source() -> AsyncGenerator[int, None]:
        try:
            for number in range(5):
                events.append(f"made {number}")
                yield number
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)
            events.append("closed")

    with app.app_context():
        items = stream(source())
        for item in items:
            events.append(f"took {item}")
            if item == 1:
                break
        items.close()  # type: ignore[attr-defined]
    assert events == ["made 0", "took 0", "made 1", "took 1", "closed"]


def test_stream_passes_the_error_of_the_generator(app: AsyncFlask) -> None:
    async def source() -> AsyncGenerator[int, None]:
        yield 1
        raise ValueError("reason")

    with app.app_context():
        items = stream(source())
        assert next(items) == 1
        with pytest.raises(ValueError, match="reason"):
            next(items)
        assert list(items) == []


def test_stream_outside_an_application_context_is_an_error() -> None:
    async def source() -> AsyncGenerator[int, None]:
        yield 1

    with pytest.raises(RuntimeError, match="application context"):
        stream(source())


def test_call_that_is_cancelled_before_its_first_step_ends(app: AsyncFlask) -> None:
    """As the exit of the process cancels all there are."""

    async def never() -> None: ...

    def cancel() -> None:
        """In each iteration of the loop, until there is a task, which has not had its first step then."""
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if not tasks:
            loop.call_soon(cancel)

    loop = app.portal.loop
    loop.call_soon_threadsafe(cancel)
    with pytest.raises(asyncio.CancelledError):
        in_time(lambda: app.portal.call(never))
