"""jsonify of a model instance writes SQLAlchemy's own state, and of a list of them their reprs.

pip install "flask[async]" advanced-alchemy aiosqlite; prints what the client gets for a book, and for a list of one.
"""

import json

from advanced_alchemy.base import BigIntBase
from advanced_alchemy.extensions.flask import FlaskServiceMixin
from flask import Flask
from sqlalchemy.orm import Mapped


class Item(BigIntBase):
    title: Mapped[str]


app, service = Flask(__name__), FlaskServiceMixin()


@app.get("/one")
def one():
    return service.jsonify(Item(id=1, title="Emma"))


@app.get("/list")
def many():
    return service.jsonify([Item(id=1, title="Emma")])


client = app.test_client()
print(json.dumps({"one": sorted(client.get("/one").json), "list": client.get("/list").json}), flush=True)
