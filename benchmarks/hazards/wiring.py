"""This project's runtime in place of the stock classes, under a script that knows nothing of it.

    wire("async-native")
    from flask import Flask                                           # an AsyncFlask whose test client speaks ASGI
    from advanced_alchemy.extensions.flask import AdvancedAlchemy     # the runtime's

So the steps of a reproduction are literally the same on every side; only these two names differ, as they would in a user's app.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import advanced_alchemy.extensions.flask
import flask
import httpx
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Request

from benchmarks.hazards.hazard import Model
from flask_oneloop import AdvancedAlchemy, AsyncFlask, asgi_app

CLOSING_SECONDS = 3


def wire(model: Model) -> type[AsyncFlask]:
    """Replace the stock classes where a script imports them from; return the app's class."""
    app_class = {"async-loop": AsyncFlask, "async-native": NativeFlask}[model]
    flask.Flask = app_class  # type: ignore[misc]
    advanced_alchemy.extensions.flask.AdvancedAlchemy = AdvancedAlchemy  # type: ignore[misc, assignment]
    return app_class


class ServerLoop:
    """An event loop in a thread, as an ASGI server's: one per process, started on first use, told of the end."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._inherited: Any = None
        self._apps: list[Any] = []
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._begin_anew)
        atexit.register(self._stop)

    def submit(self, coroutine: Any) -> Future[Any]:
        """Start it there."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="server", daemon=True)
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def start(self, app: "NativeFlask") -> None:
        """As the lifespan's startup."""
        with self._lock:
            if app not in self._apps:
                self.submit(app.portal.adopt()).result()
                self._apps.append(app)

    def _begin_anew(self) -> None:
        """A server's worker has a loop of its own."""
        self._inherited = (self._loop, self._inherited)
        self._loop, self._thread, self._apps, self._lock = None, None, [], threading.Lock()

    def _stop(self) -> None:
        for app in self._apps:
            with suppress(TimeoutError):
                self.submit(app.portal.release()).result(CLOSING_SECONDS)
        if self._loop and self._thread:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CLOSING_SECONDS)


server_loop = ServerLoop()


class ASGIClient(FlaskClient):
    """Flask's test client, whose requests are served as ASGI on the server's loop, each in a task of its own."""

    def run_wsgi_app(self, environ: Any, buffered: bool = False) -> tuple[Iterable[bytes], str, Headers]:  # noqa: ARG002
        """Translate the request, and the answer back. Cookies are not kept."""
        app: Any = self.application
        server_loop.start(app)
        status, headers, body = server_loop.submit(_ask(app, environ)).result()
        return [body], str(status), headers


async def _ask(app: "NativeFlask", environ: Any) -> tuple[int, Headers, bytes]:
    asked = Request(environ)
    sent = httpx.Request(asked.method, asked.url, content=environ["wsgi.input"].read())
    sent.headers = httpx.Headers(list(asked.headers))  # and none of httpx's own
    answer = await httpx.ASGITransport(app.asgi, raise_app_exceptions=app.testing).handle_async_request(sent)
    headers = Headers([(name.decode(), value.decode()) for name, value in answer.headers.raw])
    return answer.status_code, headers, await answer.aread()


class NativeFlask(AsyncFlask):
    """The app as `async-native` has it: its test client asks it as an ASGI server would."""

    test_client_class = ASGIClient

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asgi = asgi_app(self)
