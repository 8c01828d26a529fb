"""The app of many users; an application context is pushed when it is imported, and stays."""

from flask import g

from tests.runtime.app_users import app, asgi

__all__ = ("asgi",)

app.app_context().push()
g.user = "pushed"
