"""Faults of others, worked around; each names where it is."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry


def end_refused_transactions(engine: Any) -> None:
    """Have SQLite roll back what a COMMIT refused; ``engine`` is an ``Engine`` or an ``AsyncEngine``.

    When a deferred constraint fails, PostgreSQL has rolled back and SQLite has not. SQLAlchemy 2.1 takes the transaction for
    ended (engine/base.py, ``RootTransaction._do_commit``) and gives the connection back as it is: the next request would
    commit the refused rows together with its own, or fail in the same way.
    """
    if engine.dialect.name == "sqlite":
        event.listen(getattr(engine, "sync_engine", engine), "reset", _end_transaction)


def _end_transaction(connection: DBAPIConnection, record: ConnectionPoolEntry, _state: object) -> None:
    driver_connection: Any = record.driver_connection
    if driver_connection is not None and driver_connection.in_transaction:
        connection.rollback()
