"""The async app as documented: plain Flask, the stock extension, asgiref or gevent; and what survives of that on a driver whose
connections belong to one event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial, wraps
from typing import Any, Self, cast

from advanced_alchemy.extensions.flask import EngineConfig, SQLAlchemyAsyncConfig
from advanced_alchemy.utils.portals import PortalProvider
from asgiref.sync import ThreadSensitiveContext
from asgiref.wsgi import WsgiToAsgi
from flask import Flask, Response, g, make_response
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import NullPool

from app_async.config import database_configs
from app_async.driver import DRIVER
from app_async.routes.activity import activity
from app_async.routes.authors import authors
from app_async.routes.books import books
from app_async.routes.idiom import idiom
from app_async.routes.reports import reports
from app_async.routes.tags import tags
from benchmarks.subjects.apps import EQUIPPED, equip, stock
from benchmarks.subjects.apps.views import VIEWS
from catalog.databases import prepare
from catalog.settings import Settings

BLUEPRINTS = (authors, books, tags, activity, reports, idiom)
SESSIONS = "sessions_of_the_view"


class PerCall:
    """How a user would iterate an async generator here: each step is a call of `async_to_sync`."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def on_loop(self) -> bool:
        """Nothing keeps the steps in one task."""
        return True

    def call(self, func: Callable[..., Coroutine[Any, Any, Any]], *values: Any) -> Any:
        """Run the coroutine function."""
        return self.app.async_to_sync(func)(*values)


def create(config: Mapping[str, Any] | None = None) -> Flask:
    """Plain Flask with the stock extension, set up by `CATALOG_*` variables and `config`."""
    return _equipped(stock.wire(Flask("app_async"), config, DRIVER, database_configs, BLUEPRINTS))


def create_asgi(config: Mapping[str, Any] | None = None) -> Any:
    """The same behind asgiref's adapter, as on Flask's page on ASGI, which serves it with Hypercorn."""
    return WsgiToAsgi(create(config))  # type: ignore[no-untyped-call]


def create_own_context(config: Mapping[str, Any] | None = None) -> Any:
    """The same, each request in a `ThreadSensitiveContext` of its own: then each has a thread of its own."""
    adapted = create_asgi(config)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        with ThreadPoolExecutor(1) as thread:
            async with ThreadSensitiveContext(executor=thread):
                await adapted(scope, receive, send)

    return app


def create_nullpool(config: Mapping[str, Any] | None = None) -> Flask:
    """The same without a pool, and with views that commit and close their sessions themselves, on their own loop."""

    def unpooled(settings: Settings) -> list[SQLAlchemyAsyncConfig]:
        return [_unpooled(one) for one in database_configs(settings)]

    app = _equipped(stock.wire(Flask("app_async"), config, DRIVER, unpooled, BLUEPRINTS, SessionsOfTheView))
    for endpoint, view in app.view_functions.items():
        if endpoint not in {"static", *EQUIPPED}:
            app.view_functions[endpoint] = ending_sessions(view)
    return app


def create_gevent(config: Mapping[str, Any] | None = None) -> Flask:
    """As on Flask's page on gevent, for gunicorn's worker: coroutines run on one event loop in a greenlet.

    Advanced Alchemy's sessions end there too: its own portal would start a second loop in the same thread, and wait for ever.
    """
    loop = GreenletLoop()

    class OnOneLoop(Flask):
        def async_to_sync(self, func: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
            return partial(loop.call, func)

    extension = partial(stock.StockExtension, portal_provider=cast("PortalProvider", loop))
    return _equipped(stock.wire(OnOneLoop("app_async"), config, DRIVER, database_configs, BLUEPRINTS, extension))


class GreenletLoop:
    """An event loop in a greenlet, as the portal that Advanced Alchemy asks for."""

    is_running = True

    def __init__(self) -> None:
        import gevent

        self._loop = asyncio.new_event_loop()
        gevent.spawn(self._loop.run_forever)

    @property
    def portal(self) -> Self:
        """Itself."""
        return self

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """It goes on: other requests use it."""

    def call(self, func: Callable[..., Coroutine[Any, Any, Any]], *values: Any, **named: Any) -> Any:
        """Run the coroutine function there, and let other greenlets run meanwhile."""
        return asyncio.run_coroutine_threadsafe(func(*values, **named), self._loop).result()


def _equipped(app: Flask) -> Flask:
    app.portal = PerCall(app)  # type: ignore[attr-defined]

    async def close() -> None:  # the stock extension never does
        for one in app.extensions["advanced_alchemy"].config:
            await one.get_engine().dispose()

    return equip(app, VIEWS, lambda: asyncio.run(close()))


def _unpooled(config: SQLAlchemyAsyncConfig) -> SQLAlchemyAsyncConfig:
    given = config.engine_config
    engine = EngineConfig(connect_args=given.connect_args, poolclass=NullPool, hide_parameters=True)
    changed = replace(config, engine_instance=None, engine_config=engine)
    prepare(changed.get_engine())
    return changed


class SessionsOfTheView(stock.StockExtension):
    """Sessions that the extension does not know, and so cannot take to another loop."""

    __slots__ = ()

    def get_session(self, bind_key: str = "default", *, read_only: bool = False) -> Any:  # noqa: ARG002
        """The session of the request."""
        sessions: dict[str, AsyncSession] = g.setdefault(SESSIONS, {})
        if bind_key not in sessions:
            sessions[bind_key] = self.new_session(bind_key)
        return sessions[bind_key]


def ending_sessions(view: Callable[..., Any]) -> Callable[..., Awaitable[Response]]:
    """A view that commits its sessions when it answers with success, and closes them whatever happens."""

    @wraps(view)
    async def run(**values: Any) -> Response:
        try:
            response = make_response(await view(**values))
            for session in g.get(SESSIONS, {}).values():
                if response.status_code < 400:
                    await session.commit()
            return response
        finally:
            for session in g.pop(SESSIONS, {}).values():
                await session.close()

    return run
