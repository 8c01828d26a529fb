"""The catalogue as a Flask app with async routes."""

from collections.abc import Mapping
from typing import Any

from app_async.config import DRIVER, database_configs
from app_async.routes.activity import activity
from app_async.routes.authors import authors
from app_async.routes.books import books
from app_async.routes.experimental import experimental
from app_async.routes.reports import reports
from app_async.routes.tags import tags
from app_async.runtime import AdvancedAlchemy, AsyncFlask
from app_async.seed import seed
from catalog import limits, problems
from catalog.migrations import commands
from catalog.paths import STATIC, TEMPLATES
from catalog.settings import load_settings


def create_app(config: Mapping[str, Any] | None = None) -> AsyncFlask:
    """Return the app, set up from `CATALOG_*` environment variables and then from `config`.

    Raises:
        SettingsError: A setting is wrong.
    """
    app = AsyncFlask(__name__, static_folder=STATIC, template_folder=TEMPLATES)
    app.config.from_mapping(MAX_CONTENT_LENGTH=limits.BODY_BYTES, SESSION_COOKIE_SAMESITE="Lax")
    app.config.from_prefixed_env("CATALOG")
    app.config.from_mapping(config)
    settings = load_settings(app, DRIVER)
    app.config.update(COMMIT_MODE=settings.commit_mode, SECRET_KEY=settings.secret_key)
    AdvancedAlchemy(database_configs(settings)).init_app(app)
    commands.register(app)
    app.cli.add_command(seed)
    problems.register(app)
    for blueprint in (authors, books, tags, activity, reports, experimental):
        app.register_blueprint(blueprint)
    return app
