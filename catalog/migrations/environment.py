"""The Alembic environment of both binds, for an asynchronous and a synchronous engine alike."""

from pathlib import Path
from typing import Any, Literal, cast

from advanced_alchemy.alembic.commands import AlembicCommandConfig
from advanced_alchemy.base import metadata_registry
from advanced_alchemy.types import GUID
from alembic import context
from flask import current_app
from sqlalchemy import Connection, TypeDecorator
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.schema import SchemaItem

from catalog.models import ACTIVITY_BIND, DEFAULT_BIND

FOLDER = Path(__file__).parent
VERSION_TABLES = {DEFAULT_BIND: "catalog_version", ACTIVITY_BIND: "activity_version"}


def alembic_options(bind: str) -> dict[str, Any]:
    """Return what Advanced Alchemy's Alembic configuration of `bind` needs; no `alembic.ini` is read."""
    return {"script_location": str(FOLDER / bind), "version_table_name": VERSION_TABLES[bind], "script_config": ""}


def run() -> None:
    """Run the current Alembic command on the engine of the bind that Advanced Alchemy's command names.

    An asynchronous engine is used on the loop of the current app, which needs an app context (as `flask database` has).
    """
    config = cast("AlembicCommandConfig", context.config)
    if context.is_offline_mode():
        context.configure(url=config.db_url, literal_binds=True, **_options(config))
        _migrate()
    elif isinstance(config.engine, AsyncEngine):
        current_app.ensure_sync(_run_async)(config, config.engine)
    else:
        with config.engine.connect() as connection:
            _run_sync(connection, config)


async def _run_async(config: AlembicCommandConfig, engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.run_sync(_run_sync, config)


def _run_sync(connection: Connection, config: AlembicCommandConfig) -> None:
    context.configure(connection=connection, **_options(config))
    if connection.dialect.name != "sqlite":
        _migrate()
        return
    # A batch operation copies a table and drops the old one, which would delete by cascade what refers to it.
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.commit()  # inside a transaction, Alembic would leave the commit to us
    try:
        _migrate()
    finally:
        connection.invalidate()  # nobody else gets a connection that does not check


def _migrate() -> None:
    with context.begin_transaction():
        context.run_migrations()


def _options(config: AlembicCommandConfig) -> dict[str, Any]:
    bind = config.bind_key or DEFAULT_BIND
    foreign = {table for other in VERSION_TABLES if other != bind for table in metadata_registry.get(other).tables}

    def include_name(name: str | None, kind: str, _parents: object) -> bool:
        """Leave out the other bind's tables, as both may live in one database, and what `catalog.trigrams` is about."""
        return "_search" not in (name or "") and (kind != "table" or name not in foreign | set(VERSION_TABLES.values()))

    return {
        "target_metadata": metadata_registry.get(bind),
        "version_table": config.version_table_name,
        "render_as_batch": True,
        "compare_type": _compare_type,
        "include_name": include_name,
        "render_item": _render_item,
    }


def _compare_type(_context: object, _column: object, _metadata_column: object, _found: object, expected: Any) -> bool | None:
    """Leave it to Alembic (None), except for keys: SQLite reports their type, BINARY(16), as a number."""
    return False if isinstance(expected, GUID) else None


def _render_item(kind: str, item: SchemaItem, _context: object) -> str | Literal[False]:
    """Write Advanced Alchemy's column types by their plain names."""
    if kind == "type" and isinstance(item, TypeDecorator) and type(item).__module__.startswith("advanced_alchemy."):
        return "DateTimeUTC(timezone=True)" if type(item).__name__ == "DateTimeUTC" else f"{type(item).__name__}()"
    return False
