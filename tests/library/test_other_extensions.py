"""Extensions of others behave with async views, in both models, as with plain views on plain Flask."""

import asyncio
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cachelib.file import FileSystemCache
from flask import Response, jsonify, request, session
from flask_babel import Babel, format_decimal
from flask_caching import Cache
from flask_compress import Compress
from flask_cors import CORS
from flask_httpauth import HTTPBasicAuth
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_session import Session
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect, generate_csrf
from sqlalchemy.orm import Mapped, mapped_column

from flask_oneloop import AsyncFlask, asgi_app

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of RequestContext, since Flask 3.2
    from flask_limiter import Limiter
    from flask_limiter.util import get_remote_address

HEADERS = {"Origin": "http://elsewhere", "Accept-Encoding": "gzip"}


@dataclass(frozen=True)
class Step:
    """A request of a client that keeps its cookies, and what the answer has to be; None: anything."""

    path: str
    status: int = 200
    text: str | None = None
    header: str | None = None
    method: str = "GET"
    authorization: str | None = None


def login(app: AsyncFlask, _: Path) -> list[Step]:
    class User(UserMixin):  # type: ignore[misc]
        def __init__(self, name: str) -> None:
            self.id = name

    LoginManager(app).user_loader(User)

    @app.get("/in")
    async def enter() -> str:
        login_user(User("ann"))
        return "in"

    @app.get("/me")
    @login_required  # type: ignore[untyped-decorator]
    async def me() -> str:
        await asyncio.sleep(0)
        return str(current_user.id)

    return [Step("/me", 401), Step("/in", 200, "in"), Step("/me", 200, "ann")]


def server_side_session(app: AsyncFlask, folder: Path) -> list[Step]:
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=FileSystemCache(str(folder)))
    Session(app)

    @app.get("/")
    async def count() -> str:
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    return [Step("/", 200, "1"), Step("/", 200, "2")]


def wtf(app: AsyncFlask, _: Path) -> list[Step]:
    CSRFProtect(app)

    @app.get("/token")
    async def token() -> str:
        return "made" if generate_csrf() else ""

    @app.post("/posted")
    async def posted() -> str:
        return "posted"

    return [Step("/token", 200, "made"), Step("/posted", 400, method="POST")]


def limiter(app: AsyncFlask, _: Path) -> list[Step]:
    @app.get("/")
    @Limiter(get_remote_address, app=app, storage_uri="memory://").limit("2/hour")
    async def limited() -> str:
        await asyncio.sleep(0)
        return "within"

    return [Step("/", 200, "within"), Step("/", 200, "within"), Step("/", 429)]


def caching(app: AsyncFlask, _: Path) -> list[Step]:
    calls: list[None] = []

    @app.get("/")
    @Cache(app, config={"CACHE_TYPE": "SimpleCache"}).cached(timeout=60)
    async def counted() -> str:
        calls.append(None)
        return str(len(calls))

    return [Step("/", 200, "1"), Step("/", 200, "1")]


def cors(app: AsyncFlask, _: Path) -> list[Step]:
    CORS(app)

    @app.get("/")
    async def shared() -> str:
        return "shared"

    return [Step("/", 200, "shared", "Access-Control-Allow-Origin")]


def babel(app: AsyncFlask, _: Path) -> list[Step]:
    Babel(app, locale_selector=lambda: request.args.get("locale", "en"))

    @app.get("/")
    async def number() -> str:
        await asyncio.sleep(0)
        return str(format_decimal(1234.5))

    return [Step("/?locale=de", 200, "1.234,5"), Step("/", 200, "1,234.5")]


def compress(app: AsyncFlask, _: Path) -> list[Step]:
    Compress(app)

    @app.get("/")
    async def long() -> Response:
        return jsonify("x" * 5000)

    return [Step("/", 200, header="Content-Encoding")]


def httpauth(app: AsyncFlask, _: Path) -> list[Step]:
    auth = HTTPBasicAuth()

    @auth.verify_password  # type: ignore[untyped-decorator]
    def verify(user: str, password: str) -> str | None:
        return user if password == "pw" else None

    @app.get("/")
    @auth.login_required  # type: ignore[untyped-decorator]
    async def name() -> str:
        return str(auth.current_user())

    return [Step("/", 401), Step("/", 200, "u", authorization="Basic dTpwdw==")]


def flask_sqlalchemy(app: AsyncFlask, folder: Path) -> list[Step]:
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{folder}/x.db"
    database = SQLAlchemy(app)
    base: Any = database.Model

    class Thing(base):  # type: ignore[misc]
        id: Mapped[int] = mapped_column(primary_key=True)

    with app.app_context():
        database.create_all()

    @app.get("/write")
    def write() -> str:
        database.session.add(Thing())
        database.session.commit()
        return "written"

    @app.get("/read")
    async def read() -> str:
        await asyncio.sleep(0)
        return str(database.session.query(Thing).count())

    @app.get("/close")
    def close() -> str:
        database.engine.dispose()
        return ""

    return [Step("/write", 200, "written"), Step("/write"), Step("/read", 200, "2"), Step("/close")]


EXTENSIONS: list[Callable[[AsyncFlask, Path], list[Step]]] = [
    login,
    server_side_session,
    wtf,
    limiter,
    caching,
    cors,
    babel,
    compress,
    httpauth,
    flask_sqlalchemy,
]


def ask_loop(app: AsyncFlask, steps: list[Step]) -> Iterator[tuple[int, str, Any]]:
    client = app.test_client()
    for step in steps:
        headers = {**HEADERS, **({"Authorization": step.authorization} if step.authorization else {})}
        with client.open(step.path, method=step.method, headers=headers) as answer:
            yield answer.status_code, answer.get_data().decode("latin-1"), answer.headers


def ask_native(app: AsyncFlask, steps: list[Step]) -> Iterator[tuple[int, str, Any]]:
    transport = httpx.ASGITransport(asgi_app(app))
    with asyncio.Runner() as runner:
        client = httpx.AsyncClient(transport=transport, base_url="http://localhost")
        for step in steps:
            headers = {**HEADERS, **({"Authorization": step.authorization} if step.authorization else {})}
            answer = runner.run(client.request(step.method, step.path, headers=headers))
            yield answer.status_code, answer.text, answer.headers
        runner.run(client.aclose())
        runner.run(app.portal.release())


@pytest.mark.parametrize("ask", [ask_loop, ask_native], ids=["loop", "native"])
@pytest.mark.parametrize("extension", EXTENSIONS, ids=lambda extension: str(extension.__name__))
def test_it_behaves(
    extension: Callable[[AsyncFlask, Path], list[Step]],
    ask: Callable[[AsyncFlask, list[Step]], Iterator[tuple[int, str, Any]]],
    tmp_path: Path,
) -> None:
    app = AsyncFlask("probe")
    app.secret_key = "tests"
    steps = extension(app, tmp_path)
    for step, (status, text, headers) in zip(steps, ask(app, steps), strict=True):
        assert status == step.status, text
        assert step.text in {None, text}
        assert step.header is None or step.header in headers
