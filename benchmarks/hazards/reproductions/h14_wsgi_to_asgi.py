"""asgiref's WsgiToAsgi, the adapter of Flask's ASGI page, runs one request at a time.

pip install "flask[async]"; prints how many of five requests, sent at once, were ever in their view at the same time.
"""

import asyncio
import json

from asgiref.wsgi import WsgiToAsgi
from flask import Flask

app, inside, most = Flask(__name__), 0, 0


@app.get("/")
async def wait():
    global inside, most
    inside += 1
    most = max(most, inside)
    await asyncio.sleep(0.1)
    inside -= 1
    return ""


async def ask(asgi):
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    messages = iter([{"type": "http.request"}])
    await asgi(scope, lambda: asyncio.sleep(0, next(messages)), lambda message: asyncio.sleep(0))


async def main():
    await asyncio.gather(*(ask(WsgiToAsgi(app)) for _ in range(5)))


asyncio.run(main())
print(json.dumps({"requests": 5, "at_once": most}), flush=True)
