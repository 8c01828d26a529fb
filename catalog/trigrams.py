"""Indexes of trigrams - runs of three characters - in which authors and books are searched for a part of their sort keys.

On PostgreSQL `pg_trgm` makes them, and a planner that knows them: LIKE is all that is said. On SQLite each table has an FTS5
table beside it, kept by triggers, which finds the rows that have all trigrams; LIKE then has few rows to look at.
"""

import re
from typing import Any, cast

from sqlalchemy import Connection, Table, event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from catalog.models import Author, Book

_TABLES = [cast("Table", model.__table__) for model in (Author, Book)]
_FORGET = "INSERT INTO {0}_search ({0}_search, rowid, sort_key) VALUES ('delete', old.rowid, old.sort_key);"
_LEARN = "INSERT INTO {0}_search (rowid, sort_key) VALUES (new.rowid, new.sort_key);"
# No table's rowid is its key, but SQLite keeps it where the table has an index, in VACUUM too. A migration that copies a table,
# as Alembic does in a batch, has to do all of this again.
_CREATE = (
    "CREATE VIRTUAL TABLE {0}_search USING fts5(sort_key, content={0}, tokenize=trigram, detail=none)",
    "INSERT INTO {0}_search ({0}_search) VALUES ('rebuild')",
    f"CREATE TRIGGER {{0}}_search_insert AFTER INSERT ON {{0}} BEGIN {_LEARN} END",
    f"CREATE TRIGGER {{0}}_search_delete AFTER DELETE ON {{0}} BEGIN {_FORGET} END",
    f"CREATE TRIGGER {{0}}_search_update AFTER UPDATE OF sort_key ON {{0}} BEGIN {_FORGET} {_LEARN} END",
)
SQLITE_CREATE = [statement.format(table.name) for table in _TABLES for statement in _CREATE]
SQLITE_DROP = [
    statement.format(table.name)
    for table in _TABLES
    for statement in (
        *(f"DROP TRIGGER IF EXISTS {{0}}_search_{change}" for change in ("insert", "delete", "update")),
        "DROP TABLE IF EXISTS {0}_search",
    )
]


def _create(table: Table, connection: Connection, **_: Any) -> None:
    if connection.dialect.name == "sqlite":
        for statement in _CREATE:
            connection.exec_driver_sql(statement.format(table.name))


def _drop(table: Table, connection: Connection, **_: Any) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table.name}_search")


for _table in _TABLES:
    event.listen(_table, "after_create", _create)
    event.listen(_table, "before_drop", _drop)


def sieve(pattern: str) -> str:
    """Return a pattern that matches whatever `pattern`, one for LIKE, does, and that an index can look up; empty if it cannot.

    It has trigrams of letters and digits that do not overlap: cheaper to look up than all of them, as nearly every title has
    some of those between words, and enough to leave few rows.
    """
    found = re.findall(r"[^\W_]{3}", pattern)
    return f"%{'%'.join(found)}%" if found else ""


class passes(FunctionElement[Any]):  # noqa: N801 - written like a function
    """Whether a row of a table, whose sort key is the first argument, may match what the second is the `sieve` of."""

    inherit_cache = True


@compiles(passes)
def _like(element: passes, compiler: SQLCompiler, **options: Any) -> str:
    sort_key, pattern = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{sort_key} LIKE {pattern}"


@compiles(passes, "sqlite")
def _match(element: passes, compiler: SQLCompiler, **options: Any) -> str:
    sort_key, pattern = element.clauses
    name = cast("Any", sort_key).table.name
    trigrams = f"""'"' || replace(trim({compiler.process(pattern, **options)}, '%'), '%', '" "') || '"'"""
    return f"{name}.rowid IN (SELECT rowid FROM {name}_search WHERE {name}_search MATCH {trigrams})"  # noqa: S608
