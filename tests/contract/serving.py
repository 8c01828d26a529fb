"""Apps served over real sockets from threads of this process: WSGI by Werkzeug's threaded server, ASGI by uvicorn."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import uvicorn
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

import app_async
import app_sync
from catalog.settings import CommitMode
from flask_oneloop import AsyncFlask, asgi_app

from . import trials
from .stores import Backend, Store, Stores, close_connections

Style = Literal["sync", "loop", "native"]
STYLES: tuple[Style, ...] = ("sync", "loop", "native")
REST_SECONDS = 5.0
FACTORIES: Mapping[Style, Callable[[Mapping[str, Any]], Flask]] = {
    "sync": app_sync.create_app,
    "loop": app_async.create_app,
    "native": app_async.create_app,
}


@dataclass
class Served:
    """A running app, its databases, and a client of it."""

    style: Style
    app: Any
    store: Store
    url: str
    client: httpx.Client
    tasks_of_the_server: set[str] = field(default_factory=set)

    def checked_out(self) -> int:
        """How many connections are taken from the pools."""
        pools = [config.engine_instance.pool for config in self.app.extensions["advanced_alchemy"].config]
        return sum(pool.checkedout() for pool in pools)

    def tasks(self) -> set[str]:
        """The asyncio tasks of the app's loop."""
        return self.app.portal.call(_tasks) if isinstance(self.app, AsyncFlask) else set()

    def check_at_rest(self) -> None:
        """See that nothing is checked out and no task is left, once the server has ended what it was answering."""
        deadline = time.monotonic() + REST_SECONDS
        while (self.checked_out() or self.tasks() - self.tasks_of_the_server) and time.monotonic() < deadline:
            time.sleep(0.005)
        assert self.checked_out() == 0
        assert self.tasks() - self.tasks_of_the_server == set()


async def _tasks() -> set[str]:
    return {repr(task.get_coro()) for task in asyncio.all_tasks() if task is not asyncio.current_task()}


@contextmanager
def serve(style: Style, store: Store, prepare: Callable[[Flask], None] | None = None, **settings: Any) -> Iterator[Served]:
    """An app on `store`, served; `prepare` may register more on it before. Checked to be at rest in the end."""
    app = FACTORIES[style]({**store.settings(), **settings})
    if prepare:
        prepare(app)
    with ExitStack() as stack:
        stack.callback(close_connections, app)
        url = stack.enter_context(serve_asgi(app) if isinstance(app, AsyncFlask) and style == "native" else serve_wsgi(app))
        client = stack.enter_context(httpx.Client(base_url=url, timeout=30, verify=False))
        served = Served(style, app, store, url, client)
        served.tasks_of_the_server = served.tasks()
        yield served
        served.check_at_rest()


@dataclass
class Apps:
    """Apps that many tests share; those of a backend have the same databases, one pair to read and one to write."""

    stores: Stores
    stack: ExitStack
    started: dict[tuple[str, ...], Served] = field(default_factory=dict)

    def reading(self, style: Style, backend: Backend) -> Served:
        """An app on databases that nobody changes."""
        return self._start((style, backend), self.stores.shared(backend))

    def writing(self, style: Style, backend: Backend, mode: CommitMode) -> Served:
        """An app in a commit mode, with views for trials; who writes calls its store's ``restore``."""
        store = self.stores.shared(backend, to_write=True)
        return self._start((style, backend, mode), store, trials.register, COMMIT_MODE=mode)

    def _start(self, key: tuple[str, ...], store: Store, *prepare: Callable[[Flask], None], **settings: Any) -> Served:
        if key not in self.started:
            style: Style = key[0]  # type: ignore[assignment]
            self.started[key] = self.stack.enter_context(serve(style, store, *prepare, **settings))
        return self.started[key]


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        pass


@contextmanager
def serve_wsgi(app: Flask) -> Iterator[str]:
    """Serve on threads; yields the URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answering = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answering.set()


@contextmanager
def serve_asgi(app: AsyncFlask) -> Iterator[str]:
    """Serve on one event loop; yields the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = _Uvicorn(uvicorn.Config(asgi_app(app), log_config=None, access_log=False, lifespan="on"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        assert server.answering.wait(30)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
