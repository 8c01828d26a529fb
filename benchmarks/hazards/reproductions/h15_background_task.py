"""A background task made in an async view is cancelled when the view returns, because its loop ends.

pip install "flask[async]"; prints whether the task ended by itself or was cancelled.
"""

import asyncio
import json
import time

from flask import Flask

app, tasks = Flask(__name__), []


@app.get("/")
async def view():
    tasks.append(asyncio.create_task(asyncio.sleep(0.1)))  # say, sending a mail
    return ""


app.test_client().get("/")
while not tasks[0].done():
    time.sleep(0.01)
print(json.dumps({"done": tasks[0].done() and not tasks[0].cancelled(), "cancelled": tasks[0].cancelled()}), flush=True)
