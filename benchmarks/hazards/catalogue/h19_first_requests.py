"""The first requests at the same time fail or wait for ever."""

from advanced_alchemy.extensions.flask import EngineConfig
from sqlalchemy import NullPool, text

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from benchmarks.hazards.serving import at_once
from flask_oneloop import AsyncFlask


class H19(Hazard):
    slug = "first-requests-at-once"
    writes = "`NullPool` and a session that the view opens itself, behind a server with threads."
    happens = """Of the first requests of a process some fail with "Lock is bound to a different event loop", and one waits for
        ever."""
    why = """SQLAlchemy guards an async engine's first connect (`event/attr.py`, `_exec_w_sync_on_first_run`) with an
        `asyncio.Lock`; under asgiref every view has a loop of its own, and a lock wakes waiters of its own loop only."""
    instead = "One query before the server takes requests: `asyncio.run(connect_once())`."
    ours = "There is one loop."
    upstream = "sqlalchemy 2.0 or before"
    databases = ("postgresql",)

    def judge(self, facts: Facts) -> Outcome:
        """The process's first six requests, at once."""
        if facts["hung"] or facts["failed"]:
            return Outcome(True, f"of the first 6 requests {facts['failed']} failed and {facts['hung']} hung for ever")
        return Outcome(facts["answered"] < 6, f"all {facts['answered']} first requests answered")

    def steps(self, app: AsyncFlask) -> Facts:
        """The same, with the request's session."""
        alchemy = self.alchemy(app, engine_config=EngineConfig(poolclass=NullPool))

        @app.get("/")
        async def read() -> str:
            return str(await alchemy.get_session().scalar(text("SELECT 1")))

        statuses = at_once(app, ["/"] * 6)
        return {"answered": statuses.count(200), "failed": 6 - statuses.count(200), "hung": 0}
