"""The async app as documented, and what survives of that on a driver whose connections belong to one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any

from asgiref.wsgi import WsgiToAsgi
from flask import Flask, Response, g, make_response
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import NullPool

from benchmarks.subjects.apps import equip, stock
from benchmarks.subjects.apps.views import noop, slow

SESSIONS = "sessions_of_the_view"


def create(config: Mapping[str, Any] | None = None) -> Flask:
    """Plain Flask with the stock extension, set up by `CATALOG_*` variables and `config`."""
    return _equipped(stock.create_app(config))


def create_asgi(config: Mapping[str, Any] | None = None) -> Any:
    """The same behind asgiref's adapter, as on Flask's page on ASGI, which serves it with Hypercorn."""
    return WsgiToAsgi(create(config))  # type: ignore[no-untyped-call]


def create_nullpool(config: Mapping[str, Any] | None = None) -> Flask:
    """The same without a pool, and with views that commit and close their sessions themselves, on their own loop."""
    app = _equipped(stock.create_app(config, extension=SessionsOfTheView, poolclass=NullPool))
    for endpoint, view in app.view_functions.items():
        if endpoint not in {"static", "benchmark_token", "benchmark_collections"}:
            app.view_functions[endpoint] = ending_sessions(view)
    return app


def _equipped(app: Flask) -> Flask:
    async def close() -> None:  # the stock extension never does
        for one in app.extensions["advanced_alchemy"].config:
            await one.get_engine().dispose()

    return equip(app, noop, slow, lambda: asyncio.run(close()))


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
