"""Ways to call a coroutine from synchronous code. Adding one is one entry in `PORTALS`."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass

from asgiref.sync import async_to_sync

from benchmarks.load.generator import fastest_loop

Call = Callable[[], object]
BASELINE, CONTROL = "stock-portal", "stock-portal-aa"


@dataclass(frozen=True)
class Portal:
    """`open` gives a function that calls an empty coroutine function once, as long as it is entered."""

    name: str
    about: str
    open: Callable[[], AbstractContextManager[Call]]


async def _nothing() -> None:
    pass


@contextmanager
def _stock() -> Iterator[Call]:
    from advanced_alchemy.utils.portals import PortalProvider  # takes a second, which who only names it does without

    provider = PortalProvider(loop=asyncio.new_event_loop())  # given a loop, it is not the process-wide singleton
    provider.start()
    portal = provider.portal
    try:
        yield lambda: portal.call(_nothing)
    finally:
        provider.stop()


@contextmanager
def _runtime() -> Iterator[Call]:
    from flask_oneloop import AsyncFlask  # so does this

    call = AsyncFlask("portal").portal.call
    yield lambda: call(_nothing)


@contextmanager
def _own_loop() -> Iterator[Call]:
    with closing(fastest_loop()) as loop:
        yield lambda: loop.run_until_complete(_nothing())


PORTALS: dict[str, Portal] = {
    portal.name: portal
    for portal in (
        Portal(BASELINE, "Advanced Alchemy's portal, kept running: the baseline", _stock),
        Portal(CONTROL, "the same again: the A/A control", _stock),
        Portal("asgiref", "asgiref's async_to_sync, a thread and a loop per call", lambda: nullcontext(async_to_sync(_nothing))),
        Portal("runtime-portal", "the runtime's Portal.call, one loop per process", _runtime),
        Portal("own-loop", "run_until_complete on one persistent loop of the caller's thread", _own_loop),
    )
}
"""By name; the baseline first."""
