"""A request in a thread: its context variables end with it, however the app is called, and servers see the body they know."""

import contextvars
import gc
import io
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import flask
import pytest
from flask import Flask, Response, g, has_app_context, request, send_file, stream_with_context
from werkzeug import Request
from werkzeug.test import create_environ, run_wsgi_app
from werkzeug.wsgi import FileWrapper

from flask_oneloop import AsyncFlask
from tests.library.contexts import CONTEXTS_ARE_ONE

user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")
WSGIApp = Callable[..., Iterable[bytes]]


F = TypeVar("F", bound=Flask)


def make(cls: type[F]) -> F:
    app = cls("probe")

    @app.get("/")
    async def view() -> str:
        found = f"{user.get()} {g.get('user', 'nobody')}"
        if name := request.args.get("user"):
            g.user = name
            user.set(name)
        return found

    @app.get("/outer")
    def outer() -> str:
        g.user = "alice"
        inner = Response.from_app(app, create_environ("/")).get_data(as_text=True)
        return f"{inner}, {request.path} of {g.user}"

    return app


@pytest.fixture
def app() -> AsyncFlask:
    return make(AsyncFlask)


def ask(app: WSGIApp, path: str = "/") -> str:
    chunks, status, _ = run_wsgi_app(app, create_environ(path))
    assert status == "200 OK"
    return b"".join(chunks).decode()


def reading(app: AsyncFlask) -> WSGIApp:
    """A middleware that looks at the request, which leaves a mark in the environ."""

    def read(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        assert Request(environ).path
        return app(environ, start_response)

    return read


def generating(app: AsyncFlask) -> WSGIApp:
    def generate(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        yield from app(environ, start_response)

    return generate


@pytest.mark.parametrize("called", [lambda app: app, lambda app: app.wsgi_app, reading, generating])
def test_next_request_of_the_thread_sees_nothing(app: AsyncFlask, called: Callable[[AsyncFlask], WSGIApp]) -> None:
    served = called(app)
    assert [ask(served, path) for path in ("/?user=alice", "/", "/?user=bobby", "/")] == ["nobody nobody"] * 4
    assert user.get() == "nobody"


@pytest.mark.parametrize("called", [lambda app: app, lambda app: app.wsgi_app, reading, generating])
def test_context_that_was_left_is_not_the_requests(
    app: AsyncFlask, called: Callable[[AsyncFlask], WSGIApp], caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context():
        g.user = "alice"
        assert ask(called(app)) == "nobody nobody"
    assert [record.levelname for record in caplog.records if "application context" in record.message] == ["ERROR"]


def test_test_client_shares_the_context_it_is_called_in(app: AsyncFlask, caplog: pytest.LogCaptureFixture) -> None:
    """As on plain Flask, where since 3.2 each request has an application context of its own."""
    found = []
    for one in (app, make(Flask)):
        with one.app_context():
            g.user = "alice"
            found.append(one.test_client().get("/").text)
    assert found == ["nobody nobody" if CONTEXTS_ARE_ONE else "nobody alice"] * 2
    assert caplog.records == []


def test_request_within_a_request_is_as_on_plain_flask(app: AsyncFlask, caplog: pytest.LogCaptureFixture) -> None:
    inner = "nobody nobody" if CONTEXTS_ARE_ONE else "nobody alice"
    assert [ask(one, "/outer") for one in (app, make(Flask))] == [f"{inner}, /outer of alice"] * 2
    assert caplog.records == []


def test_what_is_patched_into_flask_is_called(app: AsyncFlask, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Sentry does it, which keeps a scope for each request there."""
    called = []
    plain = Flask.__call__

    def patched(self: Flask, environ: dict[str, Any], start_response: Any) -> Any:
        called.append(environ["PATH_INFO"])
        return plain(self, environ, start_response)

    monkeypatch.setattr(Flask, "__call__", patched)
    ask(app)
    assert called == ["/"]


def test_body_is_iterated_and_closed_in_the_requests_context(app: AsyncFlask) -> None:
    seen: list[tuple[str, object]] = []

    @app.get("/stream")
    def stream() -> Response:
        user.set("alice")

        def chunks() -> Iterator[str]:
            yield user.get()
            seen.append(("end", user.get()))
            user.set("set by the stream")

        response = Response(stream_with_context(chunks()))
        response.call_on_close(lambda: seen.append(("close", user.get())))
        return response

    assert ask(app, "/stream") == "alice"
    assert seen == [("end", "alice"), ("close", "set by the stream")]
    assert user.get() == "nobody"


class Chunks(list[str]):
    """A sequence which tells who it is for."""

    def __iter__(self) -> Iterator[str]:
        return iter([user.get()])


def test_sequence_of_the_apps_own_is_iterated_in_the_requests_context(app: AsyncFlask) -> None:
    @app.get("/sequence")
    def sequence() -> Response:
        user.set("alice")
        return Response(Chunks(["nobody"]))

    assert ask(app, "/sequence") == "alice"


def test_body_that_is_dropped_is_closed_once_in_its_context(app: AsyncFlask) -> None:
    """By a middleware that is a generator, when the client leaves; nothing closes the body then but its end."""
    ended: list[tuple[bool, str]] = []

    @app.teardown_request
    def tear_down(_: BaseException | None) -> None:
        ended.append((has_app_context(), g.get("user", "nobody")))

    @app.get("/stream")
    def stream() -> Response:
        g.user = "alice"
        return Response(stream_with_context(str(number) for number in range(9)))

    body = iter(app(create_environ("/stream"), lambda *_: lambda _: None))
    assert next(body) == b"0"
    ended.clear()  # of the view's own end
    del body
    gc.collect()
    assert ended == [(True, "alice")]


def test_body_is_closed_once() -> None:
    app = AsyncFlask("probe")
    closed = []

    @app.get("/")
    def view() -> Response:
        response = Response(iter(["a"]))
        response.call_on_close(lambda: closed.append(1))
        return response

    body: Any = app(create_environ("/"), lambda *_: lambda _: None)
    body.close()
    body.close()
    del body
    assert closed == [1]


def test_servers_see_the_files_that_they_send_by_themselves(app: AsyncFlask) -> None:

    @app.get("/file")
    def file() -> Response:
        return send_file(io.BytesIO(b"content"), "text/plain")

    environ = {**create_environ("/file"), "wsgi.file_wrapper": FileWrapper}
    assert type(app(environ, lambda *_: lambda _: None)) is FileWrapper


def test_nothing_of_a_request_is_kept(app: AsyncFlask) -> None:
    class Thing:
        pass

    kept: list[weakref.ref[Thing]] = []

    @app.get("/thing")
    async def thing() -> str:
        g.thing = Thing()
        kept.append(weakref.ref(g.thing))
        return ""

    ask(app, "/thing")
    gc.collect()
    assert [one() for one in kept] == [None]
    assert flask.has_app_context() is False
