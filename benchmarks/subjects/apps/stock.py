"""An app wired as the documentation of Flask and Advanced Alchemy says: plain Flask, the stock extension.

Blueprints, services, models and engine settings are the app's own; only the wiring differs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from advanced_alchemy.extensions.flask import AdvancedAlchemy
from flask import Blueprint, Flask

from catalog import limits, problems
from catalog.databases import Driver
from catalog.settings import Settings, load_settings


class StockExtension(AdvancedAlchemy):
    """The stock extension, with the names that the app's code calls; it knows no sessions for reading."""

    __slots__ = ()

    def get_session(self, bind_key: str = "default", *, read_only: bool = False) -> Any:  # noqa: ARG002
        """The session of the request."""
        return super().get_session(bind_key)

    def new_session(self, bind_key: str = "default", *, read_only: bool = False) -> Any:  # noqa: ARG002
        """A session of one's own."""
        return self._session_makers[bind_key]()


def wire(
    app: Flask,
    config: Mapping[str, Any] | None,
    driver: Driver,
    configs: Callable[[Settings], Sequence[Any]],
    blueprints: Iterable[Blueprint],
    extension: Callable[[Sequence[Any]], AdvancedAlchemy] = StockExtension,
) -> Flask:
    """Set up the app with the same settings as `create_app` takes, without pages and commands."""
    app.config.from_mapping(MAX_CONTENT_LENGTH=limits.BODY_BYTES)
    app.config.from_prefixed_env("CATALOG")
    app.config.from_mapping(config)
    settings = load_settings(app, driver)
    app.config.update(COMMIT_MODE=settings.commit_mode, SECRET_KEY=settings.secret_key)
    extension(configs(settings)).init_app(app)
    problems.register(app)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    return app
