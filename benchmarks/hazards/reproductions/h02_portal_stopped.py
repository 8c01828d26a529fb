"""Each request stops the portal that the others wait on: eight threads ask, seven of them wait for ever.

pip install "flask[async]" advanced-alchemy aiosqlite; prints requests answered and failed, and threads that hang.
"""

import json
import os
import threading

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import text

app, statuses, seen = Flask(__name__), [], None
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h02.db", commit_mode="autocommit"), app)


@app.get("/")
async def read():
    return str(await alchemy.get_async_session().scalar(text("SELECT 1")))


ask = lambda: [statuses.append(app.test_client().get("/").status_code) for _ in range(25)]
threads = [threading.Thread(target=ask, daemon=True) for _ in range(8)]
[thread.start() for thread in threads]
while any(thread.is_alive() for thread in threads) and seen != (seen := len(statuses)):  # as long as anything is answered
    [thread.join(timeout=0.2) for thread in threads]
failed, hung = sum(status != 200 for status in statuses), sum(thread.is_alive() for thread in threads)
print(json.dumps({"answered": len(statuses) - failed, "failed": failed, "hung": hung}), flush=True)
os._exit(0)  # the interpreter would wait for views that hang
