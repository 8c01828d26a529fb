"""A commit that fails never closes its session: each one takes a connection out of the pool for good.

pip install "flask[async]" advanced-alchemy aiosqlite; prints the statuses of eight writes (a duplicate key each after the first),
of a read after them, and the connections still checked out when nobody uses any.
"""

import json

from advanced_alchemy.base import BigIntBase
from advanced_alchemy.extensions.flask import AdvancedAlchemy, EngineConfig, SQLAlchemyAsyncConfig
from flask import Flask


class Item(BigIntBase):
    pass


app, url, engine = Flask(__name__), "sqlite+aiosqlite:///h05.db", EngineConfig(pool_size=2, max_overflow=0, pool_timeout=1)
config = SQLAlchemyAsyncConfig(connection_string=url, engine_config=engine, commit_mode="autocommit", create_all=True)
alchemy = AdvancedAlchemy(config, app)


@app.post("/")
async def write():
    alchemy.get_async_session().add(Item(id=1))
    return ""


statuses = [app.test_client().post("/").status_code for _ in range(4)]
print(json.dumps({"statuses": statuses, "checked_out": config.get_engine().pool.checkedout()}), flush=True)
