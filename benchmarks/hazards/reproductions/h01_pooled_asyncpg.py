"""A pooled asyncpg connection under async views: every request fails, "attached to a different loop".

pip install "flask[async]" advanced-alchemy asyncpg; DATABASE_URL=postgresql+asyncpg://user:password@host/database
Prints the statuses of six reads, one after the other, which should be 200.
"""

import json
import os

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import text

app = Flask(__name__)
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string=os.environ["DATABASE_URL"]), app)


@app.get("/")
async def read():
    return str(await alchemy.get_async_session().scalar(text("SELECT 1")))


print(json.dumps({"statuses": [app.test_client().get("/").status_code for _ in range(6)]}), flush=True)
