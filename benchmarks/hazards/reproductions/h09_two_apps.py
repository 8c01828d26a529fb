"""One portal serves the whole process: one app's request stops the loop of the other.

pip install "flask[async]" advanced-alchemy aiosqlite; prints a call by the second before and after that, and the warnings.
"""

import json
import warnings

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask


async def answer():
    return "fine"


def call(alchemy):
    try:
        return alchemy.portal.call(answer)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


one, two = Flask("one"), Flask("two")
with warnings.catch_warnings(record=True) as caught:
    AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///1.db"), one)
    second = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///2.db"), two)
before = call(second)
one.test_client().get("/")
print(json.dumps({"before": before, "after": call(second), "warnings": [str(one.message) for one in caught]}), flush=True)
