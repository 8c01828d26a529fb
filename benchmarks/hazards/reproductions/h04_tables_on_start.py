"""Tables are created on start although create_all is False, and a connection stays open on the portal's loop.

pip install "flask[async]" advanced-alchemy aiosqlite; prints the tables and the open connections after the extension's start.
"""

import json
import sqlite3

from advanced_alchemy.base import BigIntBase
from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask


class Item(BigIntBase):
    pass


app = Flask(__name__)
config = SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h04.db", create_all=False)
alchemy = AdvancedAlchemy(config, app)

tables = [name for (name,) in sqlite3.connect("h04.db").execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
print(json.dumps({"tables": tables, "connections": config.get_engine().pool.checkedin()}), flush=True)
