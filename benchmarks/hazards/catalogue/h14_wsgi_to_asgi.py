"""The documented ASGI adapter serves one request at a time."""

import asyncio

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from benchmarks.hazards.serving import at_once
from flask_oneloop import AsyncFlask

REQUESTS = 5


class H14(Hazard):
    slug = "wsgi-to-asgi-is-serial"
    writes = "`asgi = WsgiToAsgi(app)` for uvicorn, as Flask's page on ASGI says."
    happens = "Requests run one after the other, however much they wait: ten views of 0.1 s take a second."
    why = """`asgiref.wsgi.WsgiToAsgiInstance.run_wsgi_app` is a `sync_to_async` that is thread-sensitive: outside a
        `ThreadSensitiveContext` all calls of a process share one thread (`asgiref/sync.py`)."""
    instead = "An `async with ThreadSensitiveContext():` around each request, or a WSGI server with threads. See H36 as well."
    ours = """Under WSGI every thread waits for its own coroutine on the shared loop; under ASGI each request is a task of the
        server's."""
    upstream = "asgiref 3.0"

    def judge(self, facts: Facts) -> Outcome:
        """How many of the requests were in their view at the same time."""
        return Outcome(facts["at_once"] < facts["requests"], f"{facts['at_once']} of {facts['requests']} requests ran at once")

    def steps(self, app: AsyncFlask) -> Facts:
        """The same view, asked by as many clients at once."""
        inside = most = 0

        @app.get("/")
        async def wait() -> str:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.1)
            inside -= 1
            return ""

        at_once(app, ["/"] * REQUESTS)
        return {"requests": REQUESTS, "at_once": most}
