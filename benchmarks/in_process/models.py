"""Who is compared in process: ways to run the app (`MODELS`), and ways to call a coroutine (`PORTALS`).

Adding one is one entry here. All run the same views, services and models, on pools of the same size.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from advanced_alchemy.utils.portals import PortalProvider
from asgiref.sync import async_to_sync
from flask import Flask, got_request_exception
from sqlalchemy import literal, select

import app_async
import app_sync
from benchmarks.in_process.callers import ASGICaller, Batch, Caller, WSGICaller
from benchmarks.subjects.apps import stock
from flask_oneloop import AsyncFlask, asgi_app

Config = Mapping[str, Any]
ONE = select(literal(1))


@dataclass(frozen=True)
class Model:
    """One way to run the app; `about` says in a few words what it is, `open` starts it with an app's config."""

    name: str
    about: str
    open: Callable[[Config], Caller]


@dataclass(frozen=True)
class PortalWay:
    """One way to call a coroutine function from synchronous code; `open` gives batches of that many calls."""

    name: str
    about: str
    open: Callable[[], Any]


def _sync(config: Config) -> Caller:
    app = app_sync.create_app(config)
    extension = app.extensions["advanced_alchemy"]

    def noop() -> str:
        return ""

    def session() -> None:
        with extension.new_session() as opened:
            assert opened.execute(ONE).scalar_one() == 1

    return _wsgi(app, noop, session, app.portal.stop)


def _documented(config: Config) -> Caller:
    app = stock.create_app(config)

    async def close() -> None:  # the stock extension never does
        for one in app.extensions["advanced_alchemy"].config:
            await one.get_engine().dispose()

    return _wsgi(app, _async_noop, _session_of(app), lambda: asyncio.run(close()))


def _loop(config: Config) -> Caller:
    app = app_async.create_app(config)
    return _wsgi(app, _async_noop, _session_of(app), lambda: app.portal.call(app.portal.close))


def _native(config: Config) -> Caller:
    app: AsyncFlask = app_async.create_app(config)
    app.add_url_rule("/noop", view_func=_async_noop)
    loop = new_event_loop()
    loop.run_until_complete(app.portal.adopt())  # as at the server's start: also for sessions outside a request
    return _noting_errors(app, ASGICaller(asgi_app(app), loop, _session_of(app), app.portal.release))


def _wsgi(app: Flask, noop: Any, session: Any, close: Callable[[], object]) -> Caller:
    app.add_url_rule("/noop", view_func=noop)
    return _noting_errors(app, WSGICaller(app, app.ensure_sync(session), close))


def _noting_errors(app: Flask, caller: Caller) -> Caller:
    def note(_: Flask, exception: BaseException, **__: object) -> None:
        caller.error = exception

    got_request_exception.connect(note, app, weak=False)
    return caller


async def _async_noop() -> str:
    return ""


def _session_of(app: Flask) -> Callable[[], Coroutine[Any, Any, None]]:
    extension = app.extensions["advanced_alchemy"]

    async def session() -> None:
        async with extension.new_session() as opened:
            assert (await opened.execute(ONE)).scalar_one() == 1

    return session


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop as uvicorn would make it: uvloop's where it is installed."""
    with suppress(ImportError):
        import uvloop

        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        return loop
    return asyncio.new_event_loop()


MODELS: dict[str, Model] = {
    contender.name: contender
    for contender in (
        Model("sync", "synchronous views and sessions, called as WSGI: the baseline", _sync),
        Model("sync-aa", "the same again under another name: the A/A control", _sync),
        Model("documented", "async views as documented: plain Flask, stock Advanced Alchemy, asgiref", _documented),
        Model("loop", "async views on the runtime's one loop per process, called as WSGI", _loop),
        Model("native", "async views with Flask on the caller's own loop, called as ASGI", _native),
    )
}


async def _nothing() -> None:
    pass


def _calls(call: Callable[[], object]) -> Callable[[int], Batch]:
    def batch(count: int) -> Batch:
        def run() -> None:
            for _ in range(count):
                call()

        return run

    return batch


@contextmanager
def _stock_portal() -> Iterator[Callable[[int], Batch]]:
    provider = PortalProvider(loop=asyncio.new_event_loop())  # given a loop, it is not the process-wide singleton
    provider.start()
    portal = provider.portal
    try:
        yield _calls(lambda: portal.call(_nothing))
    finally:
        provider.stop()


@contextmanager
def _asgiref() -> Iterator[Callable[[int], Batch]]:
    yield _calls(async_to_sync(_nothing))


@contextmanager
def _runtime_portal() -> Iterator[Callable[[int], Batch]]:
    call = AsyncFlask("portal").portal.call
    yield _calls(lambda: call(_nothing))


@contextmanager
def _own_loop() -> Iterator[Callable[[int], Batch]]:
    loop = new_event_loop()
    try:
        yield _calls(lambda: loop.run_until_complete(_nothing()))
    finally:
        loop.close()


PORTALS: dict[str, PortalWay] = {
    way.name: way
    for way in (
        PortalWay("stock-portal", "Advanced Alchemy's portal, kept running: the baseline", _stock_portal),
        PortalWay("stock-portal-aa", "the same again: the A/A control", _stock_portal),
        PortalWay("asgiref", "asgiref's async_to_sync, a thread and a loop per call", _asgiref),
        PortalWay("runtime-portal", "the runtime's Portal.call, one loop per process", _runtime_portal),
        PortalWay("own-loop", "run_until_complete on one persistent loop of the caller's thread", _own_loop),
    )
}
