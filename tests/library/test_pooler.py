"""Behind a pooler: reads in a transaction where that is set, and a warning at the first connection."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from advanced_alchemy.extensions.flask import SQLAlchemyAsyncConfig, SQLAlchemySyncConfig
from sqlalchemy import make_url, text

from benchmarks.machinery.postgres import PostgresServer
from flask_oneloop import AdvancedAlchemy, AsyncFlask

KEY_DATA = re.compile(rb"K\x00\x00\x00\x0c")
"""How the message begins in which the server tells its process id."""


class Pooler:
    """A proxy that tells its clients another process id than the server's, as PgBouncer does."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.sockets = [self.listening]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listening.accept()
                server = socket.create_connection(self.server)
                self.sockets += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(65536):
                if found := KEY_DATA.search(chunk):
                    chunk = chunk[: found.end()] + b"\x00\x00\x00\x01" + chunk[found.end() + 4 :]
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for one in self.sockets:
            one.close()


@pytest.fixture(scope="module")
def direct(postgres: PostgresServer) -> str:
    return postgres.create_database("pooled")


@pytest.fixture(scope="module")
def pooled(direct: str) -> Iterator[str]:
    """The same database behind a pooler."""
    url = make_url(direct)
    with closing(Pooler((url.host or "127.0.0.1", url.port or 5432))) as pooler:
        port = pooler.listening.getsockname()[1]
        yield url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)


KINDS = {"postgresql+asyncpg": SQLAlchemyAsyncConfig, "postgresql+psycopg": SQLAlchemySyncConfig}
UNPREPARED: dict[str, dict[str, Any]] = {
    "postgresql+asyncpg": {"statement_cache_size": 0, "prepared_statement_cache_size": 0},
    "postgresql+psycopg": {"prepare_threshold": None},
}


BEGAN = text("SELECT now()")
"""When the transaction began: the same for two statements of one."""


def in_transaction(url: str, driver: str, connect_args: dict[str, Any], in_autocommit: bool = True) -> bool:
    """Whether a session for reading of an app with that configuration reads in a transaction."""
    app = AsyncFlask("probe")
    app.config["ONELOOP_READS_IN_AUTOCOMMIT"] = in_autocommit
    made = KINDS[driver](connection_string=make_url(url).set(drivername=driver).render_as_string(hide_password=False))
    made.engine_config.connect_args = connect_args
    alchemy: AdvancedAlchemy[Any] = AdvancedAlchemy([made], app)

    async def ask() -> Any:
        session = alchemy.get_session(read_only=True)
        return await session.scalar(BEGAN) == await session.scalar(BEGAN)

    with app.app_context():
        if driver == "postgresql+asyncpg":
            found = app.portal.call(ask)
        else:
            session = alchemy.get_session(read_only=True)
            found = session.scalar(BEGAN) == session.scalar(BEGAN)
    alchemy.portal_provider.stop()
    return bool(found)


@pytest.mark.parametrize("driver", KINDS)
def test_the_first_connection_through_a_pooler_is_warned_of(
    pooled: str, direct: str, driver: str, caplog: pytest.LogCaptureFixture
) -> None:
    in_transaction(direct, driver, {})
    in_transaction(pooled, driver, UNPREPARED[driver])
    assert caplog.messages == []
    in_transaction(pooled, driver, {})
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "behind a pooler" in caplog.text


@pytest.mark.parametrize("driver", KINDS)
def test_reads_are_in_a_transaction_where_that_is_set(direct: str, driver: str) -> None:
    assert not in_transaction(direct, driver, {})
    assert in_transaction(direct, driver, {}, in_autocommit=False)
