"""A response that is streamed from the request's session takes a connection that never comes back.

pip install "flask[async]" advanced-alchemy aiosqlite; prints the statuses of three exports and the connections checked out then.
"""

import json

from advanced_alchemy.extensions.flask import AdvancedAlchemy, EngineConfig, SQLAlchemyAsyncConfig
from flask import Flask, Response, stream_with_context
from sqlalchemy import text

app, engine = Flask(__name__), EngineConfig(pool_size=5, max_overflow=0, pool_timeout=1)
app.debug = True  # else the portal is stopped before the body is made (H2), and the export fails
config = SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h18.db", engine_config=engine, commit_mode="autocommit")
alchemy = AdvancedAlchemy(config, app)


@app.get("/")
async def export():
    session, portal = alchemy.get_async_session(), alchemy.portal

    def rows():  # runs after the view, after the session was closed
        for row in portal.call(session.scalars, text("SELECT 1 UNION SELECT 2")):
            yield f"{row}\n"

    return Response(stream_with_context(rows()))


bodies = [app.test_client().get("/").text for _ in range(3)]
print(json.dumps({"bodies": bodies, "checked_out": config.get_engine().pool.checkedout()}), flush=True)
