"""After a fork (gunicorn --preload) the portal's thread is gone: the worker's first request waits for ever.

pip install "flask[async]" advanced-alchemy aiosqlite; prints what the child answered within three seconds.
"""

import json
import os
import threading

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import text

app = Flask(__name__)  # imported by gunicorn's parent, which forks its workers afterwards
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h08.db", commit_mode="autocommit"), app)


@app.get("/")
async def read():
    return str(await alchemy.get_async_session().scalar(text("SELECT 1")))


if (child := os.fork()) == 0:
    statuses = []
    thread = threading.Thread(target=lambda: statuses.append(app.test_client().get("/").status_code), daemon=True)
    thread.start()
    thread.join(timeout=3)
    print(json.dumps({"status": statuses[0] if statuses else None}), flush=True)
    os._exit(0)
os.waitpid(child, 0)
