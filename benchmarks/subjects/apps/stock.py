"""The async app wired as the documentation of Flask and Advanced Alchemy says: plain Flask, the stock extension, asgiref.

Blueprints, services, models and engine settings are the app's own; only the wiring differs.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, cast

from advanced_alchemy.extensions.flask import AdvancedAlchemy, EngineConfig, SQLAlchemyAsyncConfig
from asgiref.sync import async_to_sync
from flask import Flask
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import Pool

from app_async.config import database_configs
from app_async.driver import DRIVER
from app_async.routes.activity import activity
from app_async.routes.authors import authors
from app_async.routes.books import books
from app_async.routes.idiom import idiom
from app_async.routes.reports import reports
from app_async.routes.tags import tags
from catalog import limits, problems
from catalog.databases import prepare
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


class PerCall:
    """How a user would iterate an async generator here: each step is a call of asgiref's, on a loop of its own."""

    def on_loop(self) -> bool:
        """Nothing keeps the steps in one task."""
        return True

    def call(self, func: Callable[..., Coroutine[Any, Any, Any]], *values: Any) -> Any:
        """Run the coroutine function."""
        return async_to_sync(func)(*values)


def create_app(
    config: Mapping[str, Any] | None = None,
    *,
    extension: type[StockExtension] = StockExtension,
    poolclass: type[Pool] | None = None,
) -> Flask:
    """Return the app with the same settings as `app_async.create_app` takes, without pages and commands."""
    app = Flask("app_async")
    app.config.from_mapping(MAX_CONTENT_LENGTH=limits.BODY_BYTES)
    app.config.from_prefixed_env("CATALOG")
    app.config.from_mapping(config)
    settings = load_settings(app, DRIVER)
    app.config.update(COMMIT_MODE=settings.commit_mode, SECRET_KEY=settings.secret_key)
    configs = database_configs(settings)
    extension([_pooled(one, poolclass) for one in configs] if poolclass else configs).init_app(app)
    app.portal = PerCall()  # type: ignore[attr-defined]
    problems.register(app)
    for blueprint in (authors, books, tags, activity, reports, idiom):
        app.register_blueprint(blueprint)
    return app


def _pooled(config: SQLAlchemyAsyncConfig, poolclass: type[Pool]) -> SQLAlchemyAsyncConfig:
    """The same configuration with another pool."""
    given = config.engine_config
    engine = EngineConfig(connect_args=given.connect_args, poolclass=poolclass, hide_parameters=True)
    changed = replace(config, engine_instance=None, engine_config=engine)
    prepare(changed.get_engine())
    return changed
