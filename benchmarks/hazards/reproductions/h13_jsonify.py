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


@app.get("/<what>")
def view(what):
    item = Item(id=1, title="Emma")
    return service.jsonify(item if what == "one" else [item])


client = app.test_client()
print(json.dumps({"one": sorted(client.get("/one").json), "list": client.get("/list").json}), flush=True)
