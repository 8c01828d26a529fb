"""Async routes in Flask that are right under every WSGI server and fast under every ASGI server."""

from .asgi import asgi_app
from .flask import AsyncFlask, stream
from .places import on_loop
from .sessions import AdvancedAlchemy, Flask

__version__ = "0.1.0"

__all__ = ("AdvancedAlchemy", "AsyncFlask", "Flask", "asgi_app", "on_loop", "stream")
