"""Tables in two databases, and how an app of the tests connects to them."""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from advanced_alchemy.base import BigIntBase, metadata_registry
from advanced_alchemy.config import AsyncSessionConfig
from advanced_alchemy.extensions.flask import EngineConfig, SQLAlchemyAsyncConfig, SQLAlchemySyncConfig
from sqlalchemy import Engine, ForeignKey, NullPool, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from flask_oneloop import AdvancedAlchemy, AsyncFlask

CommitMode = Literal["manual", "autocommit", "autocommit_include_redirect"]


class Owner(BigIntBase):
    __tablename__ = "owner"
    __bind_key__ = "main"

    name: Mapped[str] = mapped_column(unique=True)
    pets: Mapped[list["Pet"]] = relationship(back_populates="owner")


class Pet(BigIntBase):
    """Its owner is looked for when the transaction commits, not before."""

    __tablename__ = "pet"
    __bind_key__ = "main"

    owner_id: Mapped[int] = mapped_column(ForeignKey("owner.id", deferrable=True, initially="DEFERRED"))
    owner: Mapped[Owner] = relationship(back_populates="pets")


class Note(BigIntBase):
    __tablename__ = "note"
    __bind_key__ = "second"

    name: Mapped[str] = mapped_column(unique=True)


@dataclass(frozen=True)
class Databases:
    """The URLs of the two, without a driver."""

    main: str
    second: str

    def count(self, table: type[BigIntBase] = Owner) -> int:
        """The rows that are committed."""
        (number,) = select(getattr(self, table.__bind_key__ or ""), f"SELECT count(*) FROM {table.__tablename__}")
        return int(number)

    def app(self, commit_mode: CommitMode = "autocommit", pool_size: int = 2, **options: Any) -> AsyncFlask:
        """An app with both binds; a connection that does not come within some seconds is an error."""
        app = AsyncFlask("probe")
        app.secret_key = "tests"
        AdvancedAlchemy(
            [config(self.main, "main", commit_mode, pool_size, **options), config(self.second, "second", commit_mode)], app
        )
        return app


def with_driver(url: str, postgres_driver: str, sqlite_driver: str = "pysqlite") -> str:
    """The URL with the driver for its kind of database."""
    parsed = make_url(url)
    driver = {"postgresql": postgres_driver, "sqlite": sqlite_driver}[parsed.drivername]
    return parsed.set(drivername=f"{parsed.drivername}+{driver}").render_as_string(hide_password=False)


def config(
    url: str, bind_key: str, commit_mode: CommitMode = "autocommit", pool_size: int = 2, **options: Any
) -> SQLAlchemyAsyncConfig:
    """A pooled configuration that enforces foreign keys on SQLite too."""
    made = SQLAlchemyAsyncConfig(
        connection_string=with_driver(url, "asyncpg", "aiosqlite"),
        bind_key=bind_key,
        commit_mode=commit_mode,
        session_config=AsyncSessionConfig(expire_on_commit=False),
        engine_config=EngineConfig(pool_size=pool_size, max_overflow=0, pool_timeout=10),
        **options,
    )
    if url.startswith("sqlite"):
        event.listen(core(made), "connect", _enforce_foreign_keys)
    return made


def _enforce_foreign_keys(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def core(config: SQLAlchemyAsyncConfig | SQLAlchemySyncConfig) -> Engine:
    """The synchronous engine behind the one of a configuration."""
    engine = config.get_engine()
    assert isinstance(engine, AsyncEngine)
    return engine.sync_engine


def extension(app: AsyncFlask) -> AdvancedAlchemy[AsyncSession]:
    """The app's own."""
    found: AdvancedAlchemy[AsyncSession] = app.extensions["advanced_alchemy"]
    return found


def main(app: AsyncFlask, read_only: bool = False) -> AsyncSession:
    """The current context's session on the first bind."""
    return extension(app).get_session("main", read_only=read_only)


def second(app: AsyncFlask) -> AsyncSession:
    """The same on the second."""
    return extension(app).get_session("second")


def engines(app: AsyncFlask) -> list[Engine]:
    """The engines of its binds; none for an app without databases."""
    if "advanced_alchemy" not in app.extensions:
        return []
    return [core(made) for made in extension(app).config]


def create_tables(databases: Databases) -> None:
    """Make the tables of both binds."""
    for url, bind_key in ((databases.main, "main"), (databases.second, "second")):
        metadata_registry.get(bind_key).create_all(create_engine(with_driver(url, "psycopg"), poolclass=NullPool))


@cache
def _looking(url: str) -> Engine:
    """To look into a database from outside; on PostgreSQL on one connection, which is kept."""
    if make_url(url).get_backend_name() == "sqlite":
        return create_engine(url, poolclass=NullPool)
    kept = {"pool_size": 1, "max_overflow": 0, "pool_pre_ping": True, "isolation_level": "AUTOCOMMIT"}
    engine = create_engine(with_driver(url, "psycopg"), **kept)
    LOOKING.callback(engine.dispose)
    return engine


LOOKING = ExitStack()
"""What was opened to look; to be closed when the tests end."""


def empty_tables(databases: Databases) -> None:
    """Delete all rows; on PostgreSQL."""
    for url, tables in ((databases.main, "owner, pet"), (databases.second, "note")):
        with _looking(url).begin() as connection:
            connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))


def backends(url: str) -> set[int]:
    """The process ids of the connections to a PostgreSQL database, but the one that asks."""
    return set(select(url, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"))


def select(url: str, statement: str) -> list[Any]:
    """The first column of the rows that others see."""
    with _looking(url).connect() as connection:
        return list(connection.execute(text(statement)).scalars())
