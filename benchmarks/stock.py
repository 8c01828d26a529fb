"""The async app wired as the documentation of Flask and Advanced Alchemy says: plain Flask, the stock extension, asgiref.

Blueprints, services, models and engine settings are the app's own; only the wiring differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from advanced_alchemy.extensions.flask import AdvancedAlchemy
from flask import Flask
from sqlalchemy.ext.asyncio import AsyncSession

from app_async.config import database_configs
from app_async.driver import DRIVER
from app_async.routes.activity import activity
from app_async.routes.authors import authors
from app_async.routes.books import books
from app_async.routes.reports import reports
from app_async.routes.tags import tags
from catalog import limits, problems
from catalog.settings import load_settings


class StockExtension(AdvancedAlchemy):
    """The stock extension, with the names that the app's code calls; it knows no sessions for reading."""

    __slots__ = ()

    def get_session(self, bind_key: str = "default", *, read_only: bool = False) -> Any:  # noqa: ARG002
        """The session of the request."""
        return super().get_session(bind_key)

    def new_session(self, bind_key: str = "default", *, read_only: bool = False) -> AsyncSession:  # noqa: ARG002
        """A session of one's own."""
        return cast("AsyncSession", self._session_makers[bind_key]())


def create_app(config: Mapping[str, Any]) -> Flask:
    """Return the app with the same settings as `app_async.create_app` takes, without pages and commands."""
    app = Flask("app_async")
    app.config.from_mapping(MAX_CONTENT_LENGTH=limits.BODY_BYTES)
    app.config.from_mapping(config)
    settings = load_settings(app, DRIVER)
    app.config.update(COMMIT_MODE=settings.commit_mode, SECRET_KEY=settings.secret_key)
    StockExtension(database_configs(settings)).init_app(app)
    problems.register(app)
    for blueprint in (authors, books, tags, activity, reports):
        app.register_blueprint(blueprint)
    return app
