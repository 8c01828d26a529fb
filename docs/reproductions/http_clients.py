"""What a call of an HTTP service costs the caller's process, by client and number of callers.

    pip install httpx aiohttp urllib3
    python docs/reproductions/http_clients.py

Each caller asks a service five times at once, which answers after 20 ms, and then again: on one event loop, or in a thread for
each call. Printed is the CPU of the process, in ms a call. httpx (``_assign_requests_to_connections`` in httpcore 1.0) goes
through all connections of its pool, and asks the kernel of each idle one, whenever a call begins or ends.
"""

import asyncio
import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import httpx
import urllib3

CALLS, WAIT_SECONDS = 5, 0.02
CALLERS = (1, 8, 32)
ROUNDS = 120
"""Of all callers together."""
BODY = b'{"waited": 20}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
NO_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None)


def serve(ports):
    """Answer all requests after the wait."""

    async def answer(reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(WAIT_SECONDS)
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def forever():
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1000)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


async def ask_on_a_loop(get, callers, rounds):
    """All callers at once, with five calls at once each."""

    async def caller():
        for _ in range(rounds):
            await asyncio.gather(*(get() for _ in range(CALLS)))

    await asyncio.gather(*(caller() for _ in range(callers)))


def ask_in_threads(get, callers, rounds):
    """The same, a thread for each."""

    def caller(_):
        for _ in range(rounds):
            list(calls.map(lambda _: get(), range(CALLS)))

    with ThreadPoolExecutor(callers * CALLS) as calls, ThreadPoolExecutor(callers) as all_callers:
        list(all_callers.map(caller, range(callers)))


async def on_a_loop(url, callers):
    """CPU seconds of the calls, by client."""
    found, rounds = {}, ROUNDS // callers
    async with (
        httpx.AsyncClient(timeout=60, limits=NO_LIMITS) as one,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as other,
    ):

        async def by_httpx():
            return (await one.get(url)).raise_for_status().json()

        async def by_aiohttp():
            async with other.get(url, raise_for_status=True) as response:
                return await response.json()

        for name, get in (("httpx.AsyncClient", by_httpx), ("aiohttp", by_aiohttp)):
            await ask_on_a_loop(get, callers, 2)
            began = time.process_time()
            await ask_on_a_loop(get, callers, rounds)
            found[name] = time.process_time() - began
    return found


def in_threads(url, callers):
    """CPU seconds of the calls, by client."""
    found, rounds = {}, ROUNDS // callers
    with httpx.Client(timeout=60, limits=NO_LIMITS) as one, urllib3.PoolManager(maxsize=callers * CALLS) as other:

        def by_httpx():
            return one.get(url).raise_for_status().json()

        def by_urllib3():
            return other.request("GET", url).json()

        for name, get in (("httpx.Client", by_httpx), ("urllib3", by_urllib3)):
            ask_in_threads(get, callers, 2)
            began = time.process_time()
            ask_in_threads(get, callers, rounds)
            found[name] = time.process_time() - began
    return found


def main():
    """Ask by each client, a line for each number of callers."""
    ports = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(ports,), daemon=True)
    server.start()
    try:
        url = f"http://127.0.0.1:{ports.get()}/"
        for callers in CALLERS:
            found = {**asyncio.run(on_a_loop(url, callers)), **in_threads(url, callers)}
            calls = ROUNDS // callers * callers * CALLS
            print(f"{callers} callers: " + ", ".join(f"{name} {1000 * cpu / calls:.2f} ms" for name, cpu in found.items()))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
