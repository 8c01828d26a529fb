"""The engines are never closed: when the process ends, its connections are cut off instead.

pip install "flask[async]" advanced-alchemy aiosqlite; prints how many connections were opened and closed, each time that changes.
"""

import json

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import event, text

app = Flask(__name__)
config = SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h11.db")
counts, engine = {"opened": 0, "closed": 0}, config.get_engine().sync_engine


def count(name):
    counts[name] += 1
    print(json.dumps(counts), flush=True)


event.listen(engine, "connect", lambda *_: count("opened"))
event.listen(engine, "close", lambda *_: count("closed"))
alchemy = AdvancedAlchemy(config, app)


@app.get("/")
async def read():
    return str(await alchemy.get_async_session().scalar(text("SELECT 1")))


app.test_client().get("/")
