"""NullPool is no rescue: the view's connection is closed on another loop, the portal's; reads and writes fail.

pip install "flask[async]" advanced-alchemy asyncpg; DATABASE_URL=postgresql+asyncpg://user:password@host/database
Prints the statuses of three reads and of three writes that flush.
"""

import json
import os

from advanced_alchemy.extensions.flask import AdvancedAlchemy, EngineConfig, SQLAlchemyAsyncConfig
from flask import Flask, request
from sqlalchemy import NullPool, text

app = Flask(__name__)
engine = EngineConfig(poolclass=NullPool)
url = os.environ["DATABASE_URL"]
config = SQLAlchemyAsyncConfig(connection_string=url, engine_config=engine, commit_mode="autocommit")
alchemy = AdvancedAlchemy(config, app)
SQL = {"GET": "SELECT 1", "POST": "CREATE TEMPORARY TABLE written (id int)"}


@app.route("/", methods=["GET", "POST"])
async def view():
    await alchemy.get_async_session().execute(text(SQL[request.method]))
    return ""


ask = lambda method: [app.test_client().open("/", method=method).status_code for _ in range(3)]
print(json.dumps({"reads": ask("GET"), "writes": ask("POST")}), flush=True)
