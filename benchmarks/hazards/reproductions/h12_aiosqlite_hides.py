"""What works on aiosqlite fails on asyncpg: every connection of aiosqlite has a thread of its own and is bound to no loop.

pip install "flask[async]" advanced-alchemy aiosqlite asyncpg; DATABASE_URL=postgresql+asyncpg://user:password@host/database
Prints the statuses of three reads on either database.
"""

import json
import os

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import text


def statuses(url):
    app = Flask(__name__)
    alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string=url), app)

    @app.get("/")
    async def read():
        return str(await alchemy.get_async_session().scalar(text("SELECT 1")))

    return [app.test_client().get("/").status_code for _ in range(3)]


urls = {"sqlite": "sqlite+aiosqlite:///h12.db", "postgresql": os.environ["DATABASE_URL"]}
print(json.dumps({name: statuses(url) for name, url in urls.items()}), flush=True)
