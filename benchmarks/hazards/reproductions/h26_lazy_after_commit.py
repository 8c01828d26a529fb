"""After a commit every attribute is expired: reading one is a lazy load, and in async code that is MissingGreenlet.

pip install "flask[async]" advanced-alchemy aiosqlite; prints the status of a view that reads its row's key after a commit.
"""

import json

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from advanced_alchemy.base import BigIntBase
from flask import Flask


class Item(BigIntBase):
    pass


app = Flask(__name__)
url = "sqlite+aiosqlite:///h26.db"
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string=url, create_all=True), app)


@app.get("/")
async def add():
    item, session = Item(), alchemy.get_async_session()
    session.add(item)
    await session.commit()
    return str(item.id)


print(json.dumps({"status": app.test_client().get("/").status_code}), flush=True)
