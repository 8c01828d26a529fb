"""Two apps of one process, the second mounted in the first by werkzeug's dispatcher; ``PROBE_URL`` names their database."""

import asyncio
import os
import threading

from sqlalchemy import text
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_oneloop import AdvancedAlchemy, AsyncFlask, asgi_app
from tests.library.databases import config, main

meetings: dict[int, asyncio.Barrier] = {}


def make(name: str) -> AsyncFlask:
    app = AsyncFlask(name)
    AdvancedAlchemy(config(os.environ["PROBE_URL"], "main", pool_size=4), app)

    @app.get("/")
    def root() -> str:
        return name

    @app.get("/loop")
    async def loop() -> list[object]:
        backend = await main(app).scalar(text("SELECT pg_backend_pid()"))
        return [app.name, id(asyncio.get_running_loop()), backend]

    @app.get("/thread")
    def thread() -> list[object]:
        return [app.name, threading.current_thread() is threading.main_thread()]

    @app.get("/meet/<int:size>")
    async def meet(size: int) -> str:
        return str(await meetings.setdefault(size, asyncio.Barrier(size)).wait())

    return app


app = make("first")
second = make("second")
app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/second": second})  # type: ignore[method-assign]
asgi = asgi_app(app)
