"""NullPool, with which asyncpg survives async views, opens a connection for each request: nothing limits how many.

pip install "flask[async]" advanced-alchemy asyncpg; DATABASE_URL=postgresql+asyncpg://user:password@host/database
Prints how many of 12 requests were answered, how many connections they opened, and how many at the same time.
"""

import json
import os
from concurrent.futures import ThreadPoolExecutor

from advanced_alchemy.extensions.flask import EngineConfig, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import NullPool, text

app, opened, most = Flask(__name__), set(), []
config = SQLAlchemyAsyncConfig(connection_string=os.environ["DATABASE_URL"], engine_config=EngineConfig(poolclass=NullPool))
SQL = "SELECT pg_backend_pid(), pg_sleep(0.3), (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())"


@app.get("/")
async def read():
    async with config.get_session() as session:  # the view's own: see H3
        pid, _, now = (await session.execute(text(SQL))).one()
    return str((most.append(now), opened.add(pid)))


app.test_client().get("/")  # alone: first requests at the same time fail, see H19
with ThreadPoolExecutor(12) as pool:
    statuses = list(pool.map(lambda _: app.test_client().get("/").status_code, range(12)))
print(json.dumps({"ok": statuses.count(200), "opened": len(opened), "at_once": max(most, default=0)}), flush=True)
