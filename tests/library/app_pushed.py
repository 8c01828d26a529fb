"""The app of many users; an application context is pushed when it is imported, and stays."""

from flask import g

from tests.library.app_users import app
from tests.library.app_watched import asgi

__all__ = ("app", "asgi")

app.app_context().push()
g.user = "pushed"
