"""When the pool is used up, requests that should wait for a connection fail, or wait for ever: its queue is bound to a loop.

pip install "flask[async]" advanced-alchemy aiosqlite; prints how six requests at once fared that share one connection.
"""

import asyncio
import json
import os
import threading

from advanced_alchemy.extensions.flask import AdvancedAlchemy, EngineConfig, SQLAlchemyAsyncConfig
from flask import Flask

app, statuses, seen = Flask(__name__), [], None
app.debug = True  # else the portal is stopped under them (H2)
engine, url = EngineConfig(pool_size=1, max_overflow=0, pool_timeout=20), "sqlite+aiosqlite:///h29.db"
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string=url, engine_config=engine), app)


@app.get("/")
async def read():
    return str((await alchemy.get_async_session().connection(), await asyncio.sleep(0.1)))


threads = [threading.Thread(target=lambda: statuses.append(app.test_client().get("/").status_code)) for _ in range(6)]
[thread.start() for thread in threads]
while any(thread.is_alive() for thread in threads) and seen != (seen := len(statuses)):
    [thread.join(timeout=0.5) for thread in threads]
print(json.dumps({"answered": statuses.count(200), "failed": seen - statuses.count(200), "hung": 6 - seen}), flush=True)
os._exit(0)  # the interpreter would wait for the hanging threads
