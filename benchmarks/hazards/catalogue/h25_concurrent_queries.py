"""Two queries at once on one AsyncSession are an error."""

import asyncio

from sqlalchemy import text

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from flask_oneloop import AsyncFlask


class H25(Hazard):
    slug = "concurrent-queries-on-one-session"
    writes = "`await asyncio.gather(session.scalar(a), session.scalar(b))`."
    happens = """500: an `IllegalStateChangeError`, an `InvalidRequestError` or asyncpg's "another operation is in progress",
        depending on the moment. On aiosqlite it may pass."""
    why = """A session is one transaction on one connection, and a connection runs one query at a time
        (`sqlalchemy/orm/state_changes.py`; SQLAlchemy's documentation says so)."""
    instead = "A session for each concurrent query."
    ours = "The same rule. `alchemy.new_session()` gives each query its session, from one pool, on one loop."
    by_hand = True
    upstream = "sqlalchemy 1.4"
    databases = ("postgresql",)

    def judge(self, facts: Facts) -> Outcome:
        """A view that gathers two queries."""
        right = facts["status"] == 200 and facts["body"] == "3"
        sessions = f" on {facts['sessions']}" if "sessions" in facts else " on one session"
        return Outcome(not right, f"gathering two queries{sessions}: {facts['status']}")

    def steps(self, app: AsyncFlask) -> Facts:
        """What to write instead: a session for each query."""
        alchemy = self.alchemy(app)

        async def query(number: int) -> int:
            async with alchemy.new_session(read_only=True) as session:
                return int(await session.scalar(text(f"SELECT {number}")) or 0)

        @app.get("/")
        async def report() -> str:
            return str(sum(await asyncio.gather(query(1), query(2))))

        answer = app.test_client().get("/")
        return {"status": answer.status_code, "body": answer.text[:10], "sessions": "a session each"}
