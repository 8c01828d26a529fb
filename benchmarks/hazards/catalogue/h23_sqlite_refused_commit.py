"""A COMMIT that SQLite refuses stays open: the next request commits the refused rows."""

import sqlite3
from typing import Any

from advanced_alchemy.extensions.flask import EngineConfig, SQLAlchemyAsyncConfig
from sqlalchemy import event, text

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from flask_oneloop import AdvancedAlchemy, AsyncFlask


class H23(Hazard):
    slug = "sqlite-keeps-refused-rows"
    writes = "A deferred constraint on SQLite, and a commit that breaks it."
    happens = """The client gets its error, but the connection goes back to the pool inside the refused transaction. The next
        request that gets it sees the refused rows, and commits them with its own, or fails as the first did."""
    why = """PostgreSQL rolls back when it refuses a COMMIT, SQLite does not. `RootTransaction._do_commit`
        (`sqlalchemy/engine/base.py`) takes the transaction for ended either way, so the pool is told that there is nothing to
        reset."""
    instead = "A `reset` listener that rolls back while `connection.in_transaction`."
    ours = "The runtime has that listener (`runtime/upstream.py`)."
    upstream = "sqlalchemy 2.1.9 or before"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """Rows after a refused commit, for the same connection and for another."""
        kept = facts["same_connection"]
        said = f"the connection kept {kept or 'none'} of the refused rows in its transaction"
        return Outcome(kept > 0 or facts["another"] > 0, said)

    def steps(self, app: AsyncFlask) -> Facts:
        """The commit of a view is refused; the next one gets the same connection."""
        with sqlite3.connect("h23.db") as connection:
            connection.execute("CREATE TABLE a (id INTEGER PRIMARY KEY)")
            connection.execute("CREATE TABLE b (a INTEGER REFERENCES a DEFERRABLE INITIALLY DEFERRED)")
        engine = EngineConfig(pool_size=1, max_overflow=0)
        config = SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h23.db", engine_config=engine)

        @event.listens_for(config.get_engine().sync_engine, "connect")
        def enforce(connection: Any, _: object) -> None:
            connection.execute("PRAGMA foreign_keys = ON")

        alchemy = AdvancedAlchemy(config, app)

        @app.post("/")
        async def write() -> str:
            await alchemy.get_session().execute(text("INSERT INTO b VALUES (404)"))
            await alchemy.get_session().commit()
            return ""

        @app.get("/")
        async def count() -> str:
            return str(await alchemy.get_session().scalar(text("SELECT count(*) FROM b")))

        client = app.test_client()
        assert client.post("/").status_code == 500
        other = sqlite3.connect("h23.db").execute("SELECT count(*) FROM b").fetchone()[0]
        return {"same_connection": int(client.get("/").text), "another": other}
