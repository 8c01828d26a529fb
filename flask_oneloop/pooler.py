"""A check of the first connection: does a pooler such as PgBouncer stand between, for which the driver is not set up."""

import logging
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

logger = logging.getLogger(__name__)


def check_first_connection(engine: AsyncEngine | Engine) -> None:
    """Have the engine log a warning if its connections go through a pooler while the driver keeps prepared statements.

    A pooler that pools by transaction gives the next transaction another connection, which does not know the statements.
    It gives itself away by the process id that it tells the client, for it is not that of the server's process.
    """
    if (check := _CHECKS.get(engine.dialect.driver)) and engine.dialect.name == "postgresql":
        event.listen(getattr(engine, "sync_engine", engine), "connect", check, once=True)


def _check_asyncpg(connection: Any, record: Any) -> None:
    if connection._prepared_statement_cache is not None:  # noqa: SLF001 - nothing public tells
        _compare(connection, record.driver_connection.get_server_pid())


def _check_psycopg(connection: Any, record: Any) -> None:
    if record.driver_connection.prepare_threshold is not None:
        _compare(connection, record.driver_connection.info.backend_pid)


_CHECKS = {"asyncpg": _check_asyncpg, "psycopg": _check_psycopg}
"""By driver."""


def _compare(connection: Any, told: int) -> None:
    cursor = connection.cursor()
    cursor.execute("SELECT pg_backend_pid()")
    (pid,) = cursor.fetchone()
    cursor.close()
    connection.rollback()
    if told != pid:
        logger.warning(
            "The database is behind a pooler, and the driver keeps prepared statements. Unless the pooler keeps track of them"
            " (PgBouncer from 1.21 with max_prepared_statements), turn that off: connect_args statement_cache_size=0 and"
            " prepared_statement_cache_size=0 for asyncpg, prepare_threshold=None for psycopg"
        )
