"""A decorator that calls the view itself hands Flask a coroutine; extensions' decorators are such until they call ensure_sync.

pip install "flask[async]"; prints the status of an async view under a decorator as Flask's own pattern has it.
"""

import json
from functools import wraps

from flask import Flask, g

app = Flask(__name__)


def login_required(view):
    @wraps(view)
    def wrapped(**values):
        g.user = "somebody"
        return view(**values)

    return wrapped


@app.get("/")
@login_required
async def view():
    return g.user


print(json.dumps({"status": app.test_client().get("/").status_code}), flush=True)
