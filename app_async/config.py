"""The app's two databases: engines, sessions, migrations."""

from advanced_alchemy.extensions.flask import AlembicAsyncConfig, AsyncSessionConfig, EngineConfig, SQLAlchemyAsyncConfig
from flask import current_app
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.databases import Database, prepare
from catalog.migrations.environment import alembic_options
from catalog.models import ACTIVITY_BIND, DEFAULT_BIND
from catalog.settings import Settings
from flask_oneloop import AdvancedAlchemy


def database_configs(settings: Settings) -> list[SQLAlchemyAsyncConfig]:
    """Return the configuration of each bind, in the order in which they are committed."""
    return [
        _config(settings, settings.database, DEFAULT_BIND),
        _config(settings, settings.activity, ACTIVITY_BIND),
    ]


def _config(settings: Settings, database: Database, bind: str) -> SQLAlchemyAsyncConfig:
    config = SQLAlchemyAsyncConfig(
        connection_string=database.url.render_as_string(hide_password=False),
        bind_key=bind,
        commit_mode=settings.commit_mode,
        enable_file_object_listener=False,  # no model has files: each flush would look for them
        session_config=AsyncSessionConfig(expire_on_commit=False),
        engine_config=EngineConfig(
            connect_args=dict(database.connect_args),
            pool_size=settings.pool_size,
            max_overflow=0,
            hide_parameters=True,
        ),
        alembic_config=AlembicAsyncConfig(**alembic_options(bind)),
    )
    prepare(config.get_engine())
    return config


def alchemy() -> AdvancedAlchemy[AsyncSession]:
    """Return the extension of the current app."""
    extension: AdvancedAlchemy[AsyncSession] = current_app.extensions["advanced_alchemy"]
    return extension
