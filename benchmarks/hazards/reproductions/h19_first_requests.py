"""The first requests at the same time fail or wait for ever: SQLAlchemy guards an engine's first connect with an asyncio.Lock.

pip install "flask[async]" advanced-alchemy asyncpg; DATABASE_URL=postgresql+asyncpg://user:password@host/database
Prints how many of six first requests were answered and failed, and how many threads hang.
"""

import json
import os
import threading

from advanced_alchemy.extensions.flask import EngineConfig, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import NullPool, text

app, statuses = Flask(__name__), []
config = SQLAlchemyAsyncConfig(connection_string=os.environ["DATABASE_URL"], engine_config=EngineConfig(poolclass=NullPool))


@app.get("/")
async def read():
    async with config.get_session() as session:  # the view's own: see H3
        return str(await session.scalar(text("SELECT 1")))


threads = [threading.Thread(target=lambda: statuses.append(app.test_client().get("/").status_code)) for _ in range(6)]
[thread.start() for thread in threads]
[thread.join(timeout=0.5) for thread in threads]
failed, hung = sum(status != 200 for status in statuses), sum(thread.is_alive() for thread in threads)
print(json.dumps({"answered": len(statuses) - failed, "failed": failed, "hung": hung}), flush=True)
os._exit(0)  # the interpreter would wait for the hanging threads, for ever
