"""An app with narrow limits, and views that reach them."""

import asyncio
import time
from collections.abc import AsyncGenerator

from flask import Response, request

from flask_oneloop import AsyncFlask, asgi_app, on_loop, stream

app = AsyncFlask(__name__)
app.config.update(ONELOOP_REQUESTS=4, ONELOOP_BODY_BYTES=1000, ONELOOP_SECONDS=0.6, ONELOOP_BLOCKED_SECONDS=0.4)
asgi = asgi_app(app)
counters = {"waiting": 0, "cancelled": 0, "threads ended": 0}


@app.get("/")
def root() -> str:
    return "served"


@app.post("/echo")
async def echo() -> bytes:
    return request.get_data()


@app.get("/counters")
async def tell() -> dict[str, int]:
    return counters


@app.get("/wait")
async def wait() -> Response:
    """Begins at once, and ends when its client leaves."""

    async def source() -> AsyncGenerator[str, None]:
        counters["waiting"] += 1
        try:
            yield "begun\n"
            await asyncio.sleep(3600)
        finally:
            counters["waiting"] -= 1

    return Response(stream(source()))


@app.get("/hang")
async def hang() -> str:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        counters["cancelled"] += 1
        raise
    return ""


@app.get("/hang/thread")
def hang_in_thread() -> str:
    time.sleep(1.5)
    counters["threads ended"] += 1
    return "late"


@app.get("/block")
async def block_loop() -> str:
    time.sleep(1.2)  # noqa: ASYNC251 - as it should not
    return "blocked"


@app.get("/block/plain")
@on_loop
def block_loop_too() -> str:
    deadline = time.monotonic() + 1.2
    while time.monotonic() < deadline:
        sum(range(1000))
    return "blocked"
