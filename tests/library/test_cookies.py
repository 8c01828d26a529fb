"""Flask's session, in a cookie or without one."""

from typing import Any

import pytest
from flask import Flask, Request, session
from flask.sessions import SecureCookieSessionInterface

from flask_oneloop import AsyncFlask


def make_app(secret_key: str | None = "secret") -> AsyncFlask:
    app = AsyncFlask(__name__)
    app.secret_key = secret_key

    @app.get("/count")
    async def count() -> str:
        session["count"] = session.get("count", 0) + 1
        return str(session["count"])

    return app


def test_session_begins_without_a_cookie_and_goes_on_with_it() -> None:
    client = make_app().test_client()
    assert [client.get("/count").text for _ in range(3)] == ["1", "2", "3"]


def test_request_without_a_cookie_needs_no_serializer(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    app.add_url_rule("/", view_func=lambda: "empty")
    made: list[Any] = []
    monkeypatch.setattr(app.session_interface, "get_signing_serializer", made.append)
    client = app.test_client()
    assert client.get("/").text == "empty"
    assert not made
    client.set_cookie("session", "a value")
    client.get("/")
    assert made == [app]


def test_without_a_secret_key_there_is_no_session() -> None:
    app = make_app(None)
    app.testing = True
    with pytest.raises(RuntimeError, match="secret key"):
        app.test_client().get("/count")


def test_request_of_ones_own_may_have_its_cookies_from_elsewhere() -> None:
    class TokenRequest(Request):
        cookies = property(lambda self: {"session": self.headers.get("X-Session", "")})

    app = make_app()
    app.request_class = TokenRequest
    client = app.test_client(use_cookies=False)
    token = client.get("/count").headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    assert client.get("/count", headers={"X-Session": token}).text == "2"


class Stored(SecureCookieSessionInterface):
    """What a company's base class may have."""


def salted() -> SecureCookieSessionInterface:
    sessions = SecureCookieSessionInterface()
    sessions.salt = "of-its-own"
    return sessions


@pytest.mark.parametrize("sessions", [Stored(), salted()])
def test_sessions_of_another_base_class_are_kept(sessions: SecureCookieSessionInterface) -> None:
    class Base(Flask):
        session_interface = sessions

    class App(AsyncFlask, Base):
        pass

    assert App("probe").session_interface is sessions
