"""Two queries at once on one AsyncSession are an error, though asyncio.gather invites to it (and aiosqlite may let it pass).

pip install "flask[async]" advanced-alchemy asyncpg; DATABASE_URL=postgresql+asyncpg://user:password@host/database
Prints the status of a view that gathers two queries of its session.
"""

import asyncio
import json
import os

from advanced_alchemy.extensions.flask import SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import text

app = Flask(__name__)
config = SQLAlchemyAsyncConfig(connection_string=os.environ["DATABASE_URL"])


@app.get("/")
async def report():
    async with config.get_session() as session:  # the view's own: see H3
        results = await asyncio.gather(session.scalar(text("SELECT 1")), session.scalar(text("SELECT 2")))
    return str(sum(results))


answer = app.test_client().get("/")
print(json.dumps({"status": answer.status_code, "body": answer.text[:10]}), flush=True)
