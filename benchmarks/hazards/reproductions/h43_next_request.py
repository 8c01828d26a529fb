"""An adapter that runs Flask on an ASGI server's own loop gives one request's `g`, and its user, to the next of the connection.

pip install flask uvicorn "sqlalchemy[asyncio]"; prints, for alice and then for nobody, the status and whether alice is named."""

import json
import socket
import threading
import uvicorn
from flask import Flask, Response, abort, g, request, stream_with_context
from sqlalchemy.util import await_only, greenlet_spawn
from werkzeug.test import create_environ, run_wsgi_app

app, at, get = Flask(__name__), socket.create_server(("127.0.0.1", 0)), b"GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n"
user = lambda: g.setdefault("user", getattr(request.authorization, "token", None)) or abort(401)  # kept, as by Flask-Login
app.add_url_rule("/", "name", lambda: Response(stream_with_context(iter([user()])), headers={"Content-Length": len(user())}))


def run(scope, send):  # in a greenlet of the server's task, which could wait for async views as well
    chunks, status, headers = run_wsgi_app(app, create_environ(headers=[(k.decode(), v.decode()) for k, v in scope["headers"]]))
    raw, left = [(key.lower().encode(), value.encode()) for key, value in headers], int(headers["Content-Length"])
    await_only(send({"type": "http.response.start", "status": int(status[:3]), "headers": raw}))
    for chunk in chunks:
        await_only(send({"type": "http.response.body", "body": chunk, "more_body": (left := left - len(chunk)) > 0}))


server = uvicorn.Server(uvicorn.Config(lambda scope, _, send: greenlet_spawn(run, scope, send), interface="asgi3"))
threading.Thread(target=server.run, args=([at],)).start()
(client := socket.create_connection(at.getsockname())).sendall(get % b"Authorization: Bearer alice" + get % b"Connection: close")
print(json.dumps({"answers": [[int(one[:3]), "alice" in one] for one in client.makefile().read().split("HTTP/1.1 ")[1:]]}))
server.should_exit = True
