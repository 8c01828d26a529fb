"""asgiref's WsgiToAsgi, the adapter of Flask's ASGI page, runs one request at a time.

pip install "flask[async]"; prints how many of five requests, sent at once, were ever in their view at the same time.
"""

import asyncio
import json

from asgiref.wsgi import WsgiToAsgi
from flask import Flask

app, inside, most = Flask(__name__), [], []


@app.get("/")
async def wait():
    inside.append(1)
    most.append(len(inside))
    await asyncio.sleep(0.1)
    return str(inside.pop())


async def ask(_):
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    await WsgiToAsgi(app)(scope, lambda: asyncio.sleep(0, {"type": "http.request"}), lambda _: asyncio.sleep(0))


with asyncio.Runner() as runner:
    runner.run(asyncio.wait([runner.get_loop().create_task(ask(number)) for number in range(5)]))
print(json.dumps({"requests": 5, "at_once": max(most)}), flush=True)
