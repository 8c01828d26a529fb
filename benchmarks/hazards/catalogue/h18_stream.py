"""A response streamed from the request's session keeps its connection for good."""

from collections.abc import AsyncGenerator

from advanced_alchemy.extensions.flask import EngineConfig, SQLAlchemyAsyncConfig
from flask import Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from flask_oneloop import AdvancedAlchemy, AsyncFlask, stream


class H18(Hazard):
    slug = "stream-leaks-its-connection"
    writes = "A generator that reads from the session of its view, under `stream_with_context`."
    happens = """The session was closed before the body is made. It begins again, and nobody closes it a second time: a connection
        stays checked out. (Outside debug mode the portal is stopped by then, and the body ends in an error.)"""
    why = """`handle_db_session` (`extensions/flask/config.py`) closes the session in `after_request` whether the body is streamed
        or not; since Flask 3.1.2 `stream_with_context` pushes the context again for the body, after a first teardown."""
    instead = "A session of one's own, opened and closed in the generator."
    ours = """`stream()` iterates an async generator; it opens a session of its own, which ends with it. A closed session refuses
        to begin again."""
    upstream = "advanced-alchemy 1.12.0 or before"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """Three exports of two rows."""
        right, out = facts["bodies"].count("1\n2\n"), facts["checked_out"]
        said = f"{right} of 3 exports were right, {out or 'no'} connection{'s' * (out > 1)} left checked out"
        return Outcome(right < 3 or out > 0, said)

    def steps(self, app: AsyncFlask) -> Facts:
        """The stream has a session of its own."""
        url, engine = "sqlite+aiosqlite:///h18.db", EngineConfig(pool_size=5, max_overflow=0, pool_timeout=1)
        config = SQLAlchemyAsyncConfig(connection_string=url, engine_config=engine, commit_mode="autocommit")
        alchemy = AdvancedAlchemy(config, app)

        @app.get("/")
        async def export() -> Response:
            async def rows() -> AsyncGenerator[str, None]:
                async with alchemy.new_session(read_only=True) as session:
                    async for row in await session.stream_scalars(text("SELECT 1 UNION SELECT 2")):
                        yield f"{row}\n"

            return Response(stream(rows()))

        bodies = [app.test_client().get("/").text for _ in range(3)]
        made: AsyncEngine = config.get_engine()
        return {"bodies": bodies, "checked_out": made.pool.checkedout()}  # type: ignore[attr-defined]
