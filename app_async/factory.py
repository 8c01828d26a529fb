"""The app factory."""

from collections.abc import Mapping
from typing import Any

from catalog import limits, problems
from catalog.migrations import commands
from catalog.paths import STATIC, TEMPLATES
from catalog.settings import load_settings
from flask_oneloop import AdvancedAlchemy, AsyncFlask

from .config import database_configs
from .driver import DRIVER
from .routes.activity import activity
from .routes.authors import authors
from .routes.books import books
from .routes.experimental import experimental
from .routes.idiom import idiom
from .routes.pages import pages
from .routes.reports import reports
from .routes.tags import tags
from .seed import seed


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
    for blueprint in (authors, books, tags, activity, reports, experimental, idiom, pages):
        app.register_blueprint(blueprint)
    return app
