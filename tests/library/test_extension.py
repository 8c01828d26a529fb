"""Registering the extension: what it does to a database on start, and what it refuses."""

import secrets
from pathlib import Path

import pytest
from advanced_alchemy.base import BigIntBase
from advanced_alchemy.config import SQLAlchemySyncConfig as OtherConfig
from advanced_alchemy.config.routing import RoutingConfig
from advanced_alchemy.exceptions import ImproperConfigurationError
from advanced_alchemy.extensions.flask import SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import event, text
from sqlalchemy.orm import Mapped

from benchmarks.machinery.postgres import PostgresServer
from flask_oneloop import AdvancedAlchemy, AsyncFlask
from flask_oneloop import Flask as SyncFlask
from tests.library.answers import wait_until
from tests.library.conftest import Closing
from tests.library.databases import backends, config, core, engines, extension, select


class Thing(BigIntBase):
    __tablename__ = "thing"
    __bind_key__ = "created"

    name: Mapped[str]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without a table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    postgres: PostgresServer = request.getfixturevalue("postgres")
    return postgres.create_database(f"runtime_{secrets.token_hex(4)}")


def tables(url: str) -> list[str]:
    """The names of those that it holds."""
    if url.startswith("sqlite"):
        return select(url, "SELECT name FROM sqlite_master")
    return select(url, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")


def test_nothing_is_connected_or_created_on_start(empty: str) -> None:
    app = AsyncFlask("probe")
    made = config(empty, "created")
    connected: list[object] = []
    event.listen(core(made), "connect", lambda *_: connected.append(1))
    AdvancedAlchemy(made, app)

    @app.get("/")
    def view() -> str:
        return ""

    assert app.test_client().get("/").status_code == 200
    assert app.test_cli_runner().invoke(args=["database", "--help"]).exit_code == 0
    assert connected == []
    assert tables(empty) == []


def test_create_all_makes_the_tables_once_and_leaves_nothing_open(empty: str) -> None:
    app = AsyncFlask("probe")
    made = config(empty, "created", create_all=True)
    statements: list[str] = []
    event.listen(core(made), "before_cursor_execute", lambda _, __, statement, *___: statements.append(statement))
    AdvancedAlchemy(made, app)
    assert "thing" in tables(empty)
    assert sum("CREATE TABLE thing" in statement for statement in statements) == 1
    (engine,) = engines(app)
    assert engine.pool.checkedin() == engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    if empty.startswith("postgresql"):
        wait_until(lambda: not backends(empty), "the end of every connection")


def test_commands_of_the_database_are_listed(tmp_path: Path) -> None:
    app = AsyncFlask("probe")
    AdvancedAlchemy(config(f"sqlite:///{tmp_path}/x.db", "created"), app)
    result = app.test_cli_runner().invoke(args=["database", "--help"])
    assert result.exit_code == 0
    assert {"upgrade", "downgrade", "check"} <= {*result.output.split()}


def test_default_is_the_only_bind_whatever_its_name(tmp_path: Path, closing: Closing) -> None:
    app = closing(AsyncFlask("probe"))
    alchemy = AdvancedAlchemy(config(f"sqlite:///{tmp_path}/x.db", "created"), app)
    assert app.extensions["advanced_alchemy"] is alchemy
    with app.app_context():
        assert alchemy.get_session() is alchemy.get_session("created")


def test_g_of_ones_own_needs_no_iterator(tmp_path: Path, closing: Closing) -> None:
    class Held:
        def __init__(self) -> None:
            self.get, self.pop = vars(self).get, vars(self).pop

    app = AsyncFlask("probe")
    app.app_ctx_globals_class = Held  # type: ignore[assignment]
    alchemy = AdvancedAlchemy(config(f"sqlite:///{tmp_path}/x.db", "created"), closing(app))

    @app.get("/")
    async def view() -> str:
        return str(await alchemy.get_session().scalar(text("SELECT 1")))

    assert app.test_client().get("/").text == "1"


def test_unknown_bind_is_named_with_those_there_are(tmp_path: Path) -> None:
    app = AsyncFlask("probe")
    alchemy = AdvancedAlchemy([config(f"sqlite:///{tmp_path}/{name}.db", name) for name in ("one", "two")], app)
    with app.app_context():
        for call in (alchemy.get_session, alchemy.get_async_session, alchemy.new_session):
            with pytest.raises(ImproperConfigurationError, match=r"'three'.*one, two$"):
                call("three")


def test_bind_may_be_called_like_the_reading_half_of_another(tmp_path: Path, closing: Closing) -> None:
    """``primary`` and ``primary_read`` is how one names a database and its replica."""
    app = closing(AsyncFlask("probe"))
    names = ["primary", "primary_read"]
    alchemy = AdvancedAlchemy([config(f"sqlite:///{tmp_path}/{name}.db", name) for name in names], app)

    async def files() -> list[str]:
        return [
            str(await alchemy.get_session(name, read_only=read_only).scalar(text("SELECT file FROM pragma_database_list")))
            for name in names
            for read_only in (False, True)
        ]

    with app.app_context():
        seen = app.portal.call(files)
    assert [Path(file).stem for file in seen] == ["primary", "primary", "primary_read", "primary_read"]


def test_what_it_cannot_serve_is_refused(tmp_path: Path) -> None:
    def made(bind_key: str = "one") -> SQLAlchemyAsyncConfig:
        return config(f"sqlite:///{tmp_path}/x.db", bind_key)

    with pytest.raises(ImproperConfigurationError, match="needs flask_oneloop's AsyncFlask or Flask, not Flask"):
        AdvancedAlchemy(made()).init_app(Flask("stock"))
    with pytest.raises(ImproperConfigurationError, match="two configurations have the bind key 'one'"):
        AdvancedAlchemy([made(), made()], AsyncFlask("probe"))
    with pytest.raises(ImproperConfigurationError, match="'default' is a SQLAlchemySyncConfig, none of the Flask extension's"):
        AdvancedAlchemy(OtherConfig(connection_string="sqlite://"), AsyncFlask("probe"))  # type: ignore[call-overload]
    routed = SQLAlchemyAsyncConfig(routing_config=RoutingConfig(primary_connection_string="sqlite+aiosqlite://"))
    with pytest.raises(ImproperConfigurationError, match="'default' uses routing_config"):
        AdvancedAlchemy(routed, AsyncFlask("probe"))
    with pytest.raises(ImproperConfigurationError, match="'one' is asynchronous: it needs an AsyncFlask, not a Flask"):
        AdvancedAlchemy(made(), SyncFlask("probe"))
    app = AsyncFlask("probe")
    AdvancedAlchemy(made(), app)
    with pytest.raises(ImproperConfigurationError, match="already registered"):
        AdvancedAlchemy(made(), app)
    assert extension(app).config[0].bind_key == "one"
