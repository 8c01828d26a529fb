"""The async app on the project's runtime."""

from __future__ import annotations

from typing import Any

from app_async import create_app
from benchmarks.subjects.apps import equip
from benchmarks.subjects.apps.views import noop, slow
from flask_oneloop import AsyncFlask, asgi_app


def create() -> AsyncFlask:
    """For WSGI servers, set up by `CATALOG_*` variables."""
    app = create_app()
    equip(app, noop, slow)
    return app


def create_asgi() -> Any:
    """The same for ASGI servers."""
    return asgi_app(create())
