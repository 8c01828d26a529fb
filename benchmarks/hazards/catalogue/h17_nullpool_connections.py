"""Under NullPool nothing limits the connections."""

from advanced_alchemy.extensions.flask import EngineConfig
from sqlalchemy import text

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from benchmarks.hazards.serving import at_once
from flask_oneloop import AsyncFlask

SQL = text("SELECT pg_backend_pid(), pg_sleep(0.1), (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())")


class H17(Hazard):
    slug = "nullpool-has-no-limit"
    writes = """The one stock combination that survives asyncpg, once it is warm (H19): `NullPool`, and a session that the view
        opens itself."""
    happens = """Each request opens a connection and closes it: as many at once as there are requests, each some milliseconds of
        work for PostgreSQL. With enough of them it answers "sorry, too many clients already"."""
    why = "A pool cannot be used at all (H1), and without one there is no limit but the server's `max_connections`."
    instead = "Fewer threads than `max_connections`, or a pooler such as PgBouncer in between."
    ours = "A pool: twelve requests share three connections."
    upstream = "advanced-alchemy 1.12.0 or before"
    databases = ("postgresql",)

    def judge(self, facts: Facts) -> Outcome:
        """Twelve requests at the same time."""
        answered = f"{facts['ok']} of 12 answered; connections used: {facts['opened']}, at most {facts['at_once']} at once"
        return Outcome(facts["ok"] < 12 or facts["at_once"] > 3, answered)

    def steps(self, app: AsyncFlask) -> Facts:
        """The same requests on a pool of three."""
        alchemy = self.alchemy(app, engine_config=EngineConfig(pool_size=3, max_overflow=0))
        backends: set[int] = set()
        most = 0

        @app.get("/")
        async def read() -> str:
            nonlocal most
            pid, _, now = (await alchemy.get_session().execute(SQL)).one()
            backends.add(pid)
            most = max(most, now)
            return ""

        statuses = at_once(app, ["/"] * 12)
        return {"ok": statuses.count(200), "opened": len(backends), "at_once": most}
