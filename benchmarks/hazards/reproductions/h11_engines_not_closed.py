"""The engines are never closed: when the process ends, its connections are cut off instead.

pip install "flask[async]" advanced-alchemy aiosqlite; prints how many connections were opened and closed, each time that changes.
"""

import json

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import event, text

app = Flask(__name__)
config, counts = SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///11.db"), {"opened": 0, "closed": 0}


def count(name):
    counts[name] += 1
    print(json.dumps(counts), flush=True)


for name, does in {"connect": "opened", "close": "closed"}.items():
    event.listen(config.get_engine().sync_engine, name, lambda *_, does=does: count(does))
alchemy = AdvancedAlchemy(config, app)


async def read():
    return str(await alchemy.get_async_session().scalar(text("SELECT 1")))


app.add_url_rule("/", view_func=read)
app.test_client().get("/")
