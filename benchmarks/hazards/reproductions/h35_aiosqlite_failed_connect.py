"""A connection that aiosqlite cannot open leaves a thread behind, which calls the loop after it is closed.

pip install "flask[async]" aiosqlite sqlalchemy; prints the status of 20 views without a database, and what threads raised.
"""

import json
import threading
import time

from flask import Flask
from sqlalchemy.ext.asyncio import create_async_engine

app, raised = Flask(__name__), []
threading.excepthook = lambda problem: raised.append(f"{problem.exc_type.__name__}: {problem.exc_value}")


@app.get("/")
async def view():
    async with create_async_engine("sqlite+aiosqlite:////nowhere/h35.db").connect():
        return ""


statuses = {app.test_client().get("/").status_code for _ in range(20)}
time.sleep(0.5)
print(json.dumps({"status": max(statuses), "raised": raised}), flush=True)
