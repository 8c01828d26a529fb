"""Databases for contenders: one is migrated and seeded, each contender gets a copy of its own, writes are undone."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg

from benchmarks.errors import BenchmarkError
from benchmarks.machinery.absent import surroundings
from benchmarks.machinery.postgres import PostgresServer
from benchmarks.subjects.scenarios import TITLE

Kind = Literal["sqlite", "postgresql"]
KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")
BINDS = {"DATABASE_URL": "catalog", "ACTIVITY_DATABASE_URL": "activity"}
SETTINGS = {"POOL_SIZE": 10, "COMMIT_MODE": "autocommit_include_redirect", "SECRET_KEY": "benchmarks"}
"""What every contender is set to."""
SHOWN = ("server_version", "fsync", "full_page_writes", "synchronous_commit", "shared_buffers", "max_connections", "jit")
"""PostgreSQL's settings that a result is published with."""


@dataclass(frozen=True)
class Databases:
    """The databases of one kind; `seed` first. `server` is needed for PostgreSQL, `folder` for SQLite's files."""

    kind: Kind
    folder: Path
    server: PostgresServer | None

    def seed(self, books: int) -> None:
        """Make the template: both binds with the app's own migrations, and `books` generated books."""
        config = {setting: self._make(f"template_{bind}") for setting, bind in BINDS.items()}
        _flask(config, ["database", "upgrade", "--no-prompt"], ["seed", "--books", str(books)])
        if self.server:
            for url in config.values():
                _execute(url, "VACUUM (FREEZE, ANALYZE)")  # index-only scans, and no autovacuum in the middle of it

    def copy(self, name: str) -> dict[str, str]:
        """A copy of the template for `name`: its URLs by setting."""
        return {setting: self._make(f"{name}_{bind}", f"template_{bind}") for setting, bind in BINDS.items()}

    def _make(self, name: str, template: str | None = None) -> str:
        if self.server:
            prefix = f"benchmark_{os.getpid()}_"
            return self.server.create_database(prefix + name, prefix + template if template else None)
        path = self.folder / f"{name}.sqlite3"
        if template:
            shutil.copyfile(self.folder / f"{template}.sqlite3", path)
        return f"sqlite:///{path}"

    def undo_writes(self, config: Mapping[str, str]) -> None:
        """Remove what `create` and `update` added, so that every trial finds tables of the same size."""
        statements = {
            "DATABASE_URL": (f"DELETE FROM book WHERE title LIKE '{TITLE}%'",),  # noqa: S608 - a constant
            "ACTIVITY_DATABASE_URL": ("DELETE FROM activity",),
        }
        for setting, deletes in statements.items():
            if self.server:
                _execute(config[setting], *deletes, "VACUUM")
            else:
                with closing(sqlite3.connect(config[setting].removeprefix("sqlite:///"), timeout=30)) as connection, connection:
                    for delete in ("PRAGMA foreign_keys = ON", *deletes):
                        connection.execute(delete)

    def stored(self, config: Mapping[str, str]) -> tuple[int, int]:
        """How many books scenarios have made, and how many writes of theirs the activity log has."""
        books = f"SELECT count(*) FROM book WHERE title LIKE '{TITLE}%'"  # noqa: S608 - a constant
        activities = "SELECT count(*) FROM activity"
        return self._count(config["DATABASE_URL"], books), self._count(config["ACTIVITY_DATABASE_URL"], activities)

    def _count(self, url: str, query: str) -> int:
        if self.server:
            with psycopg.connect(url) as found:
                return int(found.execute(query.encode()).fetchone()[0])  # type: ignore[index]
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)) as connection:
            return int(connection.execute(query).fetchone()[0])

    def facts(self) -> dict[str, str]:
        """Version and settings."""
        if not self.server:
            return {"version": sqlite3.sqlite_version, "journal_mode": "WAL", "synchronous": "NORMAL"}
        with psycopg.connect(self.server.url) as connection:
            shown = {name: str(connection.execute(f"SHOW {name}".encode()).fetchone()[0]) for name in SHOWN}  # type: ignore[index]
        return {"version": shown.pop("server_version"), **shown}


def _flask(config: Mapping[str, str], *commands: Sequence[str]) -> None:
    """Run commands of the sync app in a process of their own, so that they leave no connection to the template."""
    settings = {f"CATALOG_{name}": str(value) for name, value in {**SETTINGS, **config}.items()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CATALOG_")}
    command = [sys.executable, "-m", "benchmarks.machinery._flask", json.dumps(commands)]
    environ = {**inherited, **surroundings(), **settings}
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=environ, stdin=subprocess.DEVNULL)
    if result.returncode:
        last = result.stderr.strip().rpartition("\n")[2]
        raise BenchmarkError(f"the databases could not be seeded: {last or f'status {result.returncode}'}")


def _execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
