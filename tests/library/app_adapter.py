"""An app whose answers and whose servers are odd; a middleware strips a prefix from the path alone."""

from pathlib import Path

from flask import Response, request, send_file
from flask.typing import ResponseReturnValue

from flask_oneloop import AsyncFlask, asgi_app, on_loop
from flask_oneloop.environ import Receive, Scope, Send

app = AsyncFlask(__name__)
app.config["USE_X_SENDFILE"] = True
served = asgi_app(app)


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http" and scope["path"].startswith("/stripped/"):
        scope = {**scope, "path": scope["path"].removeprefix("/stripped")}
    await served(scope, receive, send)


@app.get("/")
def root() -> str:
    return "served"


@app.get("/path/<path:rest>")
async def path(rest: str) -> str:
    return rest


@app.get("/environ")
async def environ() -> dict[str, str]:
    names = ("REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT")
    return {**{name: request.environ[name] for name in names}, "url": request.url}


@app.get("/status/<int:status>")
async def status(status: int) -> ResponseReturnValue:
    return "odd", status


@app.get("/status/plain/<int:status>")
def plain_status(status: int) -> ResponseReturnValue:
    return "odd", status


@app.get("/file")
@on_loop
def file() -> Response:
    return send_file(Path(__file__))


@app.get("/file/plain")
def plain_file() -> Response:
    return send_file(Path(__file__))
