"""The client has left, the view goes on: WSGI has no way to tell it.

pip install "flask[async]"; prints how a view of half a second ended whose client left at once.
"""

import asyncio
import json
import socket
import threading

from flask import Flask
from werkzeug.serving import make_server

app, begun, ended = Flask(__name__), threading.Event(), threading.Event()


@app.get("/")
async def view():
    begun.set()
    return str((await asyncio.sleep(0.5), ended.set()))


server = make_server("127.0.0.1", 0, app, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
with socket.create_connection(server.server_address) as client:
    client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    begun.wait(5)
print(json.dumps({"view": "finished" if ended.wait(5) else "cancelled"}), flush=True)
