"""When the pool is used up, requests that should wait for a connection fail, or wait for ever: its queue is bound to a loop.

pip install "flask[async]" advanced-alchemy aiosqlite; prints how six requests at once fared that share one connection.
"""

import asyncio
import json
import os
import threading

from advanced_alchemy.extensions.flask import AdvancedAlchemy, EngineConfig, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import text

app, statuses, engine = Flask(__name__), [], EngineConfig(pool_size=1, max_overflow=0, pool_timeout=20)
app.debug = True  # else the portal is stopped under them (H2)
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h29.db", engine_config=engine), app)


@app.get("/")
async def read():
    return str((await alchemy.get_async_session().execute(text("SELECT 1")), await asyncio.sleep(0.1)))


ask = lambda: statuses.append(app.test_client().get("/").status_code)
threads = [threading.Thread(target=ask) for _ in range(6)]
[thread.start() for thread in threads], [thread.join(timeout=0.6) for thread in threads]
ok = statuses.count(200)
print(json.dumps({"answered": ok, "failed": len(statuses) - ok, "hung": 6 - len(statuses)}), flush=True)
os._exit(0)  # the interpreter would wait for the hanging threads
