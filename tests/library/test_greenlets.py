"""Greenlets serve one request after the other, and keep nothing of it."""

import asyncio
import contextvars
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from greenlet import getcurrent
from sqlalchemy.util import await_

from flask_oneloop.greenlets import KEPT, Greenlets

user: contextvars.ContextVar[Any] = contextvars.ContextVar("user", default=None)


class Thing:
    """What can be watched."""


def wait(found: list[object]) -> None:
    await_(asyncio.sleep(0))
    found.append(getcurrent())


def fail() -> None:
    await_(asyncio.sleep(0))
    raise LookupError


def test_a_greenlet_is_used_again_by_the_next_but_not_at_the_same_time() -> None:
    async def main() -> list[object]:
        greenlets, found = Greenlets(), list[object]()
        for _ in range(2):
            await greenlets.run(wait, found)
        await asyncio.gather(greenlets.run(wait, found), greenlets.run(wait, found))
        return found

    first, second, *together = asyncio.run(main())
    assert first is second
    assert first in together
    assert len({*together}) == 2


def test_what_raises_ends_its_greenlet_alone() -> None:
    async def main() -> list[object]:
        greenlets, found = Greenlets(), list[object]()
        await greenlets.run(wait, found)
        with pytest.raises(LookupError):
            await greenlets.run(fail)
        await greenlets.run(wait, found)
        return found

    first, second = asyncio.run(main())
    assert first is not second


def test_cancellation_reaches_the_function() -> None:
    async def main() -> list[str]:
        seen = []

        def forever() -> None:
            try:
                await_(asyncio.Event().wait())
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

        task = asyncio.create_task(Greenlets().run(forever))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return seen

    assert asyncio.run(main()) == ["cancelled"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_call_that_is_collected_during_another_does_not_end_that_one() -> None:
    """As one can be that was left behind on a closed loop."""

    async def main() -> list[str]:
        greenlets, seen = Greenlets(), list[str]()

        def forever() -> None:
            with suppress(GeneratorExit):
                await_(asyncio.Event().wait())

        def collect(left: list[Any]) -> None:
            left.clear()
            await_(asyncio.sleep(0))
            seen.append("collected")

        left = [greenlets.run(forever)]
        left[0].send(None)
        await greenlets.run(collect, left)
        await greenlets.run(seen.append, "next")
        return seen

    assert asyncio.run(main()) == ["collected", "next"]


def test_call_is_in_its_callers_context_and_nothing_of_it_stays() -> None:
    async def main() -> None:
        greenlets = Greenlets()

        def view(argument: Thing) -> None:
            assert user.get() == "caller"
            user.set(argument)
            await_(asyncio.sleep(0))
            assert user.get() is argument

        async def call() -> "weakref.ref[Thing]":
            user.set("caller")
            thing = Thing()
            await greenlets.run(view, thing)
            assert user.get() is thing
            return weakref.ref(thing)

        left = [await asyncio.create_task(call()) for _ in range(2)]
        await asyncio.sleep(0)  # the loop lets go of the task's context
        assert [one() for one in left] == [None, None]

    asyncio.run(main())


def test_so_many_are_kept() -> None:
    async def main() -> int:
        greenlets, found = Greenlets(), list[object]()
        await asyncio.gather(*(greenlets.run(wait, found) for _ in range(KEPT + 5)))
        many = {*found}
        found.clear()
        await asyncio.gather(*(greenlets.run(wait, found) for _ in range(KEPT + 5)))
        return len(many.intersection(found))

    assert asyncio.run(main()) == KEPT


def test_loop_may_go_on_in_another_thread() -> None:
    loop, greenlets, found = asyncio.new_event_loop(), Greenlets(), list[object]()

    def run(call: Callable[..., Any]) -> None:
        loop.run_until_complete(greenlets.run(call, found))

    for _ in range(2):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(run, wait).result()
    run(wait)
    loop.close()
    assert len({*found}) == 3
