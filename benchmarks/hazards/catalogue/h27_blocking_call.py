"""A blocking call stalls everything that shares its loop."""

import asyncio
import threading

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from flask_oneloop import AsyncFlask


class H27(Hazard):
    slug = "blocking-calls"
    writes = "`time.sleep`, `requests.get`, a synchronous driver or a long computation in a view."
    happens = """On the documented path nobody else waits: every call has a thread and a loop of its own, which is what makes it
        slow."""
    why = "An event loop runs one thing at a time."
    instead = "Nothing to do there."
    ours = """A price of sharing a loop, not a fault to be cured: a blocking *async* view stalls the other async views, under ASGI
        the whole process. A plain `def` view has a thread; `await asyncio.to_thread(...)` takes what blocks out of the way."""
    upstream = "flask 2.0"
    recorded = False
    price = "a call that blocks stalls its neighbours on the shared loop"

    def judge(self, facts: Facts) -> Outcome:
        """Which blocking views kept a neighbour waiting; what counts is the one that is written as it should be."""
        stalling = [name.replace("_", " ") for name in ("async_view", "sync_view") if facts[name]]
        naive = f"a blocking {' or '.join(stalling)} stalls its neighbours" if stalling else "a blocking view stalls nobody"
        cured = facts.get("to_thread")
        cure = "" if cured is None else f"; asyncio.to_thread {'does too' if cured else 'does not'}"
        return Outcome(bool(stalling) if cured is None else cured, naive + cure)

    def steps(self, app: AsyncFlask) -> Facts:
        """The same views, and one that moves what blocks."""
        late: list[bool] = []
        begun, answered = threading.Event(), threading.Event()

        def block() -> str:
            begun.set()
            late.append(not answered.wait(2))
            return ""

        @app.get("/sync_view")
        def sync_view() -> str:
            return block()

        @app.get("/async_view")
        async def async_view() -> str:
            return block()

        @app.get("/to_thread")
        async def to_thread() -> str:
            return await asyncio.to_thread(block)

        @app.get("/neighbour")
        async def neighbour() -> str:
            answered.set()
            return ""

        def stalls(path: str) -> bool:
            begun.clear()
            answered.clear()
            thread = threading.Thread(target=app.test_client().get, args=(path,))
            thread.start()
            begun.wait()
            app.test_client().get("/neighbour")
            thread.join()
            return late.pop()

        return {name: stalls(f"/{name}") for name in ("async_view", "sync_view", "to_thread")}
