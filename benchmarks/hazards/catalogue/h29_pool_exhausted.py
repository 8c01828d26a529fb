"""Requests that should wait for a connection fail or hang."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H29(Hazard):
    slug = "exhausted-pool"
    writes = "More requests at once than the pool has connections: a busy minute. Even on aiosqlite."
    happens = """Of the requests that have to wait, some may fail with "Queue is bound to a different event loop", the others wait
        for ever or until `pool_timeout`, also when a connection is free again."""
    why = """`AsyncAdaptedQueuePool` waits on an `asyncio.Queue` (`sqlalchemy/util/queue.py`), which is bound to the loop that
        waits first and wakes nobody on another; under asgiref every request has a loop of its own."""
    instead = "A pool as large as there are threads."
    ours = """They wait in one queue on one loop, at most `pool_timeout` seconds, and are then a `TimeoutError` that error
        handlers see."""
    upstream = "advanced-alchemy 1.12.0 or before"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """Six requests that share one connection."""
        if facts["answered"] == 6:
            return Outcome(False, "all 6 requests waited for their turn and were answered")
        return Outcome(True, f"{facts['answered']} of 6 requests were answered, {facts['failed']} failed, {facts['hung']} hung")
