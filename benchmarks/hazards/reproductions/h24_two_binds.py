"""With two databases nothing is common: one is committed although the other refuses.

pip install "flask[async]" advanced-alchemy aiosqlite; prints the statuses of two writes to both, and the rows then.
"""

import json
import sqlite3

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import Column, Integer, orm

Base, app, names = orm.declarative_base(), Flask(__name__), ("one", "two")
Item = type("Item", (Base,), {"__tablename__": "item", "id": Column(Integer, primary_key=True)})
data = {name: sqlite3.connect(f"{name}.db") for name in names}
[one.execute("CREATE TABLE item (id INTEGER PRIMARY KEY)") for one in data.values()]
urls = {name: {"connection_string": f"sqlite+aiosqlite:///{name}.db", "bind_key": name} for name in names}
alchemy = AdvancedAlchemy([SQLAlchemyAsyncConfig(**urls[name], commit_mode="autocommit") for name in names], app)


@app.post("/<int:one>/<int:two>")
async def write(one, two):
    alchemy.get_async_session("one").add(Item(id=one))
    alchemy.get_async_session("two").add(Item(id=two))
    return ""


statuses = [app.test_client().post(path).status_code for path in ("/1/1", "/1/2")]  # the second repeats the key of "one" only
rows = {name: one.execute("SELECT count(*) FROM item").fetchone()[0] for name, one in data.items()}
print(json.dumps({"statuses": statuses, "rows": rows}), flush=True)
