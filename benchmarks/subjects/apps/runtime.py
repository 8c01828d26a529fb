"""The async app on the project's runtime."""

from collections.abc import Mapping
from typing import Any

from app_async import create_app
from benchmarks.subjects.apps import EQUIPPED, equip, freeze
from benchmarks.subjects.apps.views import VIEWS
from flask_oneloop import AsyncFlask, asgi_app, on_loop


def create(config: Mapping[str, Any] | None = None) -> AsyncFlask:
    """For WSGI servers, set up by `CATALOG_*` variables and `config`."""
    app = create_app(config)
    equip(app, VIEWS, app.portal.stop)
    for endpoint in EQUIPPED:
        on_loop(app.view_functions[endpoint])  # they are cheap, and all others are for the loop
    return app


def create_asgi(config: Mapping[str, Any] | None = None) -> Any:
    """The same for ASGI servers."""
    return asgi_app(create(config))


def create_mixed_asgi(config: Mapping[str, Any] | None = None) -> Any:
    """That with a plain empty view, which the library calls in a worker thread."""
    app = create(config)
    app.view_functions["noop"] = lambda: ""
    return asgi_app(app)


def create_frozen(config: Mapping[str, Any] | None = None) -> Any:
    """That, of which the collector goes through nothing that is there from the start."""
    return freeze(create_asgi(config))
