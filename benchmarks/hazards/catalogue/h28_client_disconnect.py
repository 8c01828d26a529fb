"""A client that leaves is not noticed under WSGI."""

import asyncio
import socket
import threading

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from benchmarks.hazards.serving import serving
from flask_oneloop import AsyncFlask


class H28(Hazard):
    slug = "client-disconnects"
    writes = "A view that takes a while, and a client that does not wait for it."
    happens = "The view, and its query, run to their end. Nothing is lost but the work."
    why = "WSGI (PEP 3333) has no way to tell an application that its client has gone; the server notices when it writes."
    instead = "A time limit of one's own: `async with asyncio.timeout(...)`."
    ours = """Under WSGI the same. Under ASGI the view is cancelled where it awaits, and what it holds is given back; a commit
        that has begun is finished."""
    upstream = "flask 2.0"
    recorded = False

    def judge(self, facts: Facts) -> Outcome:
        """How the view ended whose client had left."""
        how = {"finished": "the view ran on to its end for nobody", "cancelled": "the view was cancelled"}
        return Outcome(facts["view"] not in how, how.get(facts["view"], "the view never ended"))

    def steps(self, app: AsyncFlask) -> Facts:
        """The same view under a real server of either kind."""
        begun, ended = threading.Event(), threading.Event()
        how = ["never"]

        @app.get("/")
        async def view() -> str:
            begun.set()
            try:
                await asyncio.sleep(0.5)
                how[0] = "finished"
            except asyncio.CancelledError:
                how[0] = "cancelled"
                raise
            finally:
                ended.set()
            return ""

        with serving(app) as address:
            with socket.create_connection(address) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                begun.wait(5)
            ended.wait(5)
        return {"view": how[0]}
