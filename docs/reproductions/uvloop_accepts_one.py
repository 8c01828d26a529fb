"""New connections starve under load on uvloop, with nothing but uvicorn and a bare ASGI application.

    python docs/reproductions/uvloop_accepts_one.py

64 clients keep a server busy whose answers take 1.5 ms each, in three steps. Then 32 new ones connect, all at once. How long they
wait for their first answer is printed for uvloop and for asyncio's own loop. libuv (``uv__server_io`` in src/unix/stream.c)
accepts one connection each time the loop goes round, which takes as long as a step of every request in flight; asyncio
(``_accept_connection`` in selector_events.py) accepts as many as wait, up to its backlog.
"""

import asyncio
import socket
import statistics
import subprocess
import sys
import time

BUSY, NEW = 64, 32
STEP_SECONDS, STEPS = 0.0005, 3
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
ANSWER = b"HTTP/1.1 200"


async def app(scope, _, send):
    """Answer after some work, as an application does that queries a database between its steps."""
    assert scope["type"] == "http"
    for _ in range(STEPS):
        end = time.perf_counter() + STEP_SECONDS
        while time.perf_counter() < end:
            pass
        await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def ask(reader, writer):
    """Send a request on an open connection, and read its answer."""
    writer.write(REQUEST)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(ANSWER), head


async def keep_busy(port):
    """One request after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            await ask(reader, writer)
    finally:
        writer.close()


async def come(port):
    """How many seconds a new client waits for its first answer."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await ask(reader, writer)
    writer.close()
    return time.perf_counter() - began


async def measure(port):
    """The waits of all new clients beside the busy ones."""
    busy = [asyncio.create_task(keep_busy(port)) for _ in range(BUSY)]
    await asyncio.sleep(2)
    waits = await asyncio.gather(*(come(port) for _ in range(NEW)))
    for task in busy:
        task.cancel()
    await asyncio.gather(*busy, return_exceptions=True)
    return waits


def main():
    """Both loops, one after the other, each in a server of its own."""
    for loop in ("uvloop", "asyncio"):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        place = __file__.rpartition("/")[0] or "."
        options = ["--loop", loop, "--port", str(port), "--log-level", "error", "--app-dir", place]
        server = subprocess.Popen([sys.executable, "-m", "uvicorn", *options, "uvloop_accepts_one:app"])
        try:
            for _ in range(100):
                time.sleep(0.1)
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
            waits = asyncio.run(measure(port))
        finally:
            server.terminate()
            server.wait()
        median, last = (1000 * seconds for seconds in (statistics.median(waits), max(waits)))
        print(f"{loop}: first answers after {median:.0f} ms (p50), {last:.0f} ms (the last)")


if __name__ == "__main__":
    main()
