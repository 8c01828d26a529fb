"""What an error of the database means, the same for every driver (asyncpg, psycopg, aiosqlite, sqlite3)."""

import re
import socket
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from sqlalchemy import Constraint, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from catalog.models import Activity, Book

Kind = Literal["duplicate", "reference", "rule", "stale", "schema", "busy", "unreachable"]

# By prefix. PostgreSQL: https://www.postgresql.org/docs/current/errcodes-appendix.html, a class is the first two characters.
# SQLite: https://www.sqlite.org/rescode.html
CODES: dict[str, Kind] = {
    "23505": "duplicate",
    "SQLITE_CONSTRAINT_UNIQUE": "duplicate",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "duplicate",
    "23503": "reference",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "reference",
    "23514": "rule",
    "SQLITE_CONSTRAINT_CHECK": "rule",
    "42P01": "schema",
    "42703": "schema",
    "3F000": "schema",
    "40": "busy",
    "53": "busy",
    "55P03": "busy",
    "57014": "busy",
    "SQLITE_BUSY": "busy",
    "SQLITE_LOCKED": "busy",
    "08": "unreachable",
    "28": "unreachable",
    "3D000": "unreachable",
    "57P": "unreachable",
    "SQLITE_CANTOPEN": "unreachable",
    "SQLITE_READONLY": "unreachable",
    "SQLITE_FULL": "unreachable",
    "SQLITE_IOERR": "unreachable",
    "SQLITE_CORRUPT": "unreachable",
    "SQLITE_NOTADB": "unreachable",
}


@dataclass(frozen=True)
class Fault:
    """One error: its kind, and for a broken constraint its name and its columns."""

    kind: Kind
    constraint: str | None = None
    fields: tuple[str, ...] = ()


def classify(error: BaseException) -> Fault | None:
    """Return what `error` means, None when it does not come from the database or is a mistake in a statement."""
    if isinstance(error, PoolTimeoutError):
        return Fault("busy")
    if isinstance(error, (StaleDataError, ObjectDeletedError)):
        return Fault("stale")
    if isinstance(error, OSError):
        # asyncpg reports a refused connection as it is, and a plain OSError when a name has several addresses.
        refused = isinstance(error, (ConnectionError, TimeoutError, socket.gaierror)) or type(error) is OSError
        refused = refused and not isinstance(error, BrokenPipeError)  # of our own output
        return Fault("unreachable") if refused else None
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    kind = _kind(driver_error)
    if kind is None and isinstance(error, DBAPIError) and (error.connection_invalidated or error.statement is None):
        return Fault("unreachable")  # lost, or never made: no statement was being run
    if kind not in {"duplicate", "rule"}:
        return Fault(kind) if kind else None
    constraint = _constraints().get(_constraint_name(driver_error))
    if constraint is None:
        return Fault(kind)
    columns = constraint.columns.keys() if isinstance(constraint, UniqueConstraint | PrimaryKeyConstraint) else ()
    return Fault(kind, str(constraint.name), tuple(columns))


def reason(error: BaseException) -> str:
    """Return the first line of what the driver says, for operators; it may quote values, so it is not for clients."""
    while not isinstance(error, DBAPIError) and error.__cause__ is not None:
        error = error.__cause__
    text = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return text.partition("\n")[0] or type(error).__name__


def _kind(error: Any) -> Kind | None:
    code = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None) or ""
    if code == "SQLITE_ERROR" and re.search("no such (table|column)|has no column", str(error)):
        return "schema"
    return next((kind for prefix, kind in CODES.items() if code.startswith(prefix)), None)


def _constraint_name(error: Any) -> str:
    """Return the name of the broken constraint, or the columns that SQLite names in its place."""
    for source in (getattr(error, "diag", None), error.__cause__):  # psycopg, asyncpg
        if name := getattr(source, "constraint_name", None):
            return str(name)
    return str(error).partition("constraint failed: ")[2]


@cache
def _constraints() -> dict[str, Constraint]:
    """Return every constraint by its name, and unique ones by their columns as SQLite writes them."""
    found: dict[str, Constraint] = {}
    for metadata in (Book.metadata, Activity.metadata):
        for table in metadata.tables.values():
            for constraint in table.constraints:
                found[str(constraint.name)] = constraint
                if isinstance(constraint, UniqueConstraint | PrimaryKeyConstraint):
                    found[", ".join(f"{table.name}.{column.name}" for column in constraint.columns)] = constraint
    return found
