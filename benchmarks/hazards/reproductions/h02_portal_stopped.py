"""Each request stops the portal that the others wait on: eight threads ask, seven of them wait for ever.

pip install "flask[async]" advanced-alchemy aiosqlite; prints requests answered and failed, and threads that hang.
"""

import json
import threading
import time

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import text

app = Flask(__name__)
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h02.db", commit_mode="autocommit"), app)


@app.get("/")
async def read():
    return str(await alchemy.get_async_session().scalar(text("SELECT 1")))


statuses, seen = [], None
ask = lambda: [statuses.append(app.test_client().get("/").status_code) for _ in range(25)]
threads = [threading.Thread(target=ask, daemon=True) for _ in range(8)]
[thread.start() for thread in threads]
while seen != (seen := len(statuses)):
    time.sleep(1.5)
failed, hung = sum(status != 200 for status in statuses), sum(thread.is_alive() for thread in threads)
print(json.dumps({"answered": len(statuses) - failed, "failed": failed, "hung": hung}), flush=True)
