"""Debug mode hides H2: there the portal is not stopped, so what hangs in production works in development.

pip install "flask[async]" advanced-alchemy aiosqlite; prints the hanging threads of eight, with debug and without.
"""

import json
import os
import threading

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import text

app = Flask(__name__)
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h32.db", commit_mode="autocommit"), app)
app.add_url_rule("/", view_func=lambda: app.ensure_sync(alchemy.get_async_session().scalar)(text("SELECT '1'")))


def hung(debug):
    app.debug, statuses, seen = debug, [], None
    ask = lambda: [statuses.append(app.test_client().get("/").status_code) for _ in range(20)]
    threads = [threading.Thread(target=ask, daemon=True) for _ in range(8)]
    [thread.start() for thread in threads]
    while any(thread.is_alive() for thread in threads) and seen != (seen := len(statuses)):
        [thread.join(timeout=0.2) for thread in threads]
    return sum(thread.is_alive() for thread in threads)


print(json.dumps({"debug": hung(True), "production": hung(False)}), flush=True)
os._exit(0)  # the interpreter would wait for views that hang
