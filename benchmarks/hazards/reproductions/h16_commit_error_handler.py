"""A commit that fails is a bare 500: it happens in after_request, which Flask's error handlers do not cover.

pip install "flask[async]" advanced-alchemy aiosqlite; prints the statuses of two writes of one key: the second should be 409.
"""

import json

from advanced_alchemy.base import BigIntBase
from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy.exc import IntegrityError


class Item(BigIntBase):
    pass


app = Flask(__name__)
url = "sqlite+aiosqlite:///h16.db"
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string=url, commit_mode="autocommit", create_all=True), app)
app.register_error_handler(IntegrityError, lambda error: ("there is one already", 409))


@app.post("/")
async def write():
    alchemy.get_async_session().add(Item(id=1))
    return ""


print(json.dumps({"statuses": [app.test_client().post("/").status_code for _ in range(2)]}), flush=True)
