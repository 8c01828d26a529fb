"""Synchronous and asynchronous configurations of one extension, alone and mixed in one app."""

from typing import Any

import pytest
from advanced_alchemy.exceptions import ImproperConfigurationError
from advanced_alchemy.extensions.flask import SQLAlchemyAsyncConfig, SQLAlchemySyncConfig, SyncSessionConfig
from sqlalchemy.orm import Session

import flask_oneloop
from flask_oneloop import AdvancedAlchemy, AsyncFlask, stream
from tests.library.conftest import Closing
from tests.library.databases import CommitMode, Databases, Note, Owner, config, with_driver


def sync_config(url: str, bind_key: str, commit_mode: CommitMode = "autocommit") -> SQLAlchemySyncConfig:
    return SQLAlchemySyncConfig(
        connection_string=with_driver(url, "psycopg"),
        bind_key=bind_key,
        commit_mode=commit_mode,
        session_config=SyncSessionConfig(expire_on_commit=False),
    )


@pytest.fixture(params=["sync first", "async first"])
def mixed(request: pytest.FixtureRequest, databases: Databases, closing: Closing) -> AsyncFlask:
    """An app that writes through a session of either kind, whichever is committed first; what it adds is in the query."""
    app = closing(AsyncFlask("probe"))
    configs: list[SQLAlchemyAsyncConfig | SQLAlchemySyncConfig]
    if request.param == "sync first":
        configs = [sync_config(databases.main, "main"), config(databases.second, "second")]
    else:
        configs = [config(databases.main, "main"), sync_config(databases.second, "second")]
    alchemy = AdvancedAlchemy(configs, app)

    @app.post("/<owner>/<note>")
    def view(owner: str, note: str) -> str:
        alchemy.get_session("main").add(Owner(name=owner))
        alchemy.get_session("second").add(Note(name=note))
        return ""

    return app


def test_both_are_committed(mixed: AsyncFlask, databases: Databases) -> None:
    assert mixed.test_client().post("/Ann/first").status_code == 200
    assert (databases.count(Owner), databases.count(Note)) == (1, 1)


@pytest.mark.parametrize("refused", ["/Ann/second", "/Bob/first"])
def test_neither_is_committed_where_one_cannot_be_written(mixed: AsyncFlask, databases: Databases, refused: str) -> None:
    client = mixed.test_client()
    assert client.post("/Ann/first").status_code == 200
    assert client.post(refused).status_code == 500
    assert (databases.count(Owner), databases.count(Note)) == (1, 1)


def test_each_kind_is_had_by_its_name(databases: Databases, closing: Closing) -> None:
    app = closing(AsyncFlask("probe"))
    alchemy = AdvancedAlchemy([sync_config(databases.main, "main"), config(databases.second, "second")], app)
    with app.app_context():
        assert alchemy.get_sync_session("main") is alchemy.get_session("main")
        assert alchemy.get_async_session("second") is alchemy.get_session("second")
        with pytest.raises(ImproperConfigurationError, match="Expected sync session for bind key second"):
            alchemy.get_sync_session("second")


@pytest.mark.parametrize("app_class", [AsyncFlask, flask_oneloop.Flask])
def test_a_synchronous_app_has_the_same_extension(
    app_class: type[flask_oneloop.Flask], databases: Databases, closed: list[Session]
) -> None:
    app = app_class("probe")
    alchemy = AdvancedAlchemy(sync_config(databases.main, "main"), app)

    @app.post("/<name>")
    def add(name: str) -> Any:
        alchemy.get_session().add(Owner(name=name))
        alchemy.get_session().flush()
        return app.redirect("/") if name == "moved" else ""

    @app.get("/")
    def names() -> Any:
        rows = alchemy.get_session(read_only=True).query(Owner.name).order_by(Owner.name)
        return app.response_class(stream(f"{name} " for (name,) in rows.all()))

    @app.errorhandler(Exception)
    def refused(error: Exception) -> tuple[str, int]:
        return type(error).__name__, 409

    client = app.test_client()
    assert client.post("/Ann").status_code == 200
    answer = client.post("/Ann")
    assert (answer.status_code, answer.text) == (409, "IntegrityError")
    assert client.post("/moved").status_code // 100 == 3
    assert databases.count() == 1  # a redirect is not committed
    assert client.get("/").text == "Ann "
    assert len(closed) == len({*map(id, closed)}) == 4
    app.portal.stop()


def test_the_portal_starts_and_stops_as_the_stock_one(databases: Databases) -> None:
    app = AsyncFlask("probe")
    alchemy = AdvancedAlchemy(config(databases.main, "main"), app)
    provider = alchemy.portal_provider
    provider.start()
    assert provider.is_running
    with app.app_context():
        result = provider.portal.call(alchemy.get_session().connection)
        assert not result.closed
    pool: Any = alchemy.config[0].get_engine().pool
    assert pool.checkedin() == 1
    provider.stop()
    pool = alchemy.config[0].get_engine().pool
    assert pool.checkedin() == 0
