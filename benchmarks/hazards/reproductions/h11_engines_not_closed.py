"""The engines are never closed: when the process ends, its connections are cut off instead.

pip install "flask[async]" advanced-alchemy aiosqlite; prints how many connections were opened and closed, as that changes.
"""

import json

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import event, text

app, counts = Flask(__name__), {"opened": 0, "closed": 0}
config = SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h11.db")


def count(name):
    print(json.dumps(counts.update({name: counts[name] + 1}) or counts), flush=True)


event.listen(config.get_engine().sync_engine, "connect", lambda *_: count("opened"))
event.listen(config.get_engine().sync_engine, "close", lambda *_: count("closed"))
alchemy = AdvancedAlchemy(config, app)


@app.get("/")
async def read():
    return str(await alchemy.get_async_session().scalar(text("SELECT 1")))


app.test_client().get("/")
