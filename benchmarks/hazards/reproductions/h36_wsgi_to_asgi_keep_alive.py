"""asgiref's WsgiToAsgi under uvicorn: of requests on kept-alive connections many fail, "CurrentThreadExecutor already quit".

pip install "flask[async]" uvicorn; prints how many of 200 requests of eight clients, each on a connection of its own, failed.
"""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import uvicorn
from asgiref.wsgi import WsgiToAsgi
from flask import Flask

app, at = Flask(__name__), socket.create_server(("127.0.0.1", 0), backlog=64)
app.add_url_rule("/", view_func=lambda: "a synchronous view; an async one fails alike")
server = uvicorn.Server(uvicorn.Config(WsgiToAsgi(app), log_level="critical"))
threading.Thread(target=server.run, args=([at],)).start()


def client(_):
    connection = HTTPConnection(*at.getsockname())
    ask = lambda: [connection.request("GET", "/"), one := connection.getresponse(), one.read()] and one.status
    return sum(ask() != 200 for _ in range(25))


with ThreadPoolExecutor(8) as pool:
    print(json.dumps({"requests": 200, "failed": sum(pool.map(client, range(8)))}), flush=True)
server.should_exit = True
