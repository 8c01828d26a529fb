"""The databases of the apps under test: made once per backend by the app's own commands, then copied for each app."""

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Engine, Select, create_engine, delete, func, select
from sqlalchemy.orm import Session

import app_async
import app_sync
from benchmarks.machinery.postgres import PostgresServer
from catalog import databases
from catalog.models import ACTIVITY_BIND, DEFAULT_BIND, Activity, Author, Book, Tag, book_tag

UPGRADE = ["database", "upgrade", "--no-prompt"]
Backend = Literal["sqlite", "postgresql"]
BACKENDS: tuple[Backend, ...] = ("sqlite", "postgresql")
BINDS = (DEFAULT_BIND, ACTIVITY_BIND)
Contents = Literal["nothing", "tables", "library"]
COMMANDS = {"tables": UPGRADE, "library": ["seed"]}
MAKERS = {"sqlite": app_async, "postgresql": app_sync}


@dataclass(frozen=True)
class Store:
    """The two databases of one app by bind, as URLs without driver, and a look into them that does not go through the app."""

    urls: Mapping[str, str]
    engines: dict[str, Engine] = field(default_factory=dict)
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def settings(self) -> dict[str, Any]:
        """What an app needs to use these databases."""
        return {"DATABASE_URL": self.urls[DEFAULT_BIND], "ACTIVITY_DATABASE_URL": self.urls[ACTIVITY_BIND], "SECRET_KEY": "test"}

    @contextmanager
    def session(self, bind: str = DEFAULT_BIND) -> Iterator[Session]:
        """A session on a connection that the app has nothing to do with."""
        if bind not in self.engines:
            self.engines[bind] = create_engine(databases.parse_database(self.urls[bind], "sync").url, pool_size=1, max_overflow=0)
            databases.prepare(self.engines[bind])
        with Session(self.engines[bind]) as session:
            yield session

    def rows(self, statement: Select[*tuple[Any, ...]], bind: str = DEFAULT_BIND) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with self.session(bind) as session:
            return [tuple(row) for row in session.execute(statement)]

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        found: dict[str, int] = {}
        for bind, models in ((DEFAULT_BIND, (Author, Book, Tag, book_tag)), (ACTIVITY_BIND, (Activity,))):
            numbers = [select(func.count()).select_from(model).scalar_subquery() for model in models]
            (row,) = self.rows(select(*numbers), bind)
            found.update(zip((getattr(model, "__tablename__", "book_tag") for model in models), row, strict=True))
        return found

    def log(self, subject_id: str | None) -> list[tuple[Any, ...]]:
        """What is logged about a record, in order: action, kind, detail."""
        subject = Activity.subject_id == (UUID(subject_id) if subject_id else None)
        return self.rows(
            select(Activity.action, Activity.kind, Activity.detail).where(subject).order_by(Activity.id), ACTIVITY_BIND
        )

    def restore(self) -> None:
        """Delete the authors, books, tags and log entries that were not there when the databases were made."""
        for bind, models in ((DEFAULT_BIND, (Book, Author, Tag)), (ACTIVITY_BIND, (Activity,))):
            with self.session(bind) as session:
                for model in models:
                    session.execute(delete(model).where(model.created_at >= self.made_at))
                session.commit()

    def close(self) -> None:
        """Close the connections for looking."""
        for engine in self.engines.values():
            engine.dispose()

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Assert that the block adds and removes no row, not even to the log."""
        before = self.counts()
        yield
        assert self.counts() == before


@dataclass
class Stores:
    """Makes databases. Their names are unique on a server that is not the tests' own."""

    folder: Path
    postgres: PostgresServer
    prefix: str = field(default_factory=lambda: f"contract_{secrets.token_hex(4)}")
    made: int = 0
    originals: dict[tuple[Backend, Contents], Store] = field(default_factory=dict)
    common: dict[tuple[Backend, Contents, bool], Store] = field(default_factory=dict)

    @contextmanager
    def make(self, backend: Backend, contents: Contents = "library") -> Iterator[Store]:
        """New databases with these contents; deleted in the end."""
        store = self._copy(backend, None if contents == "nothing" else self._original(backend, contents))
        try:
            yield store
        finally:
            self._delete(backend, store)

    def _delete(self, backend: Backend, store: Store) -> None:
        store.close()
        for url in store.urls.values():
            name = url.rpartition("/")[2]
            if backend == "sqlite":
                for file in self.folder.glob(f"{name}*"):
                    file.unlink()
            elif name in self.postgres.created:
                self.postgres.drop_database(name)

    def shared(self, backend: Backend, contents: Contents = "library", *, to_write: bool = False) -> Store:
        """Databases that are the same for everybody who asks: only to be read, or written and restored."""
        key = (backend, contents, to_write)
        if key not in self.common:
            self.common[key] = self._copy(backend, None if contents == "nothing" else self._original(backend, contents))
        return self.common[key]

    def close(self) -> None:
        """Close the connections for looking at what is shared."""
        for store in self.common.values():
            store.close()

    def _original(self, backend: Backend, contents: Contents) -> Store:
        """The databases that others are copied from; PostgreSQL does that only while nobody is connected to them."""
        key = (backend, contents)
        if key in self.originals:
            return self.originals[key]
        store = self.originals[key] = self._copy(backend, self._original(backend, "tables") if contents == "library" else None)
        app = MAKERS[backend].create_app(store.settings())
        try:
            result = app.test_cli_runner().invoke(args=COMMANDS[contents], catch_exceptions=False)
            assert result.exit_code == 0, result.output
        finally:
            close_connections(app)
        return store

    def _copy(self, backend: Backend, original: Store | None) -> Store:
        self.made += 1
        urls = {}
        for bind in BINDS:
            name = f"{self.prefix}_{self.made}_{bind}"
            source = original.urls[bind].rpartition("/")[2] if original else None
            if backend == "postgresql":
                urls[bind] = self.postgres.create_database(name, source)
            else:
                urls[bind] = f"sqlite:///{self.folder}/{name}"
                if source:
                    shutil.copyfile(self.folder / source, self.folder / name)
        return Store(urls)


def close_connections(app: Any) -> None:
    """Close what the app's pools hold, on the loop that opened it."""
    portal = app.portal
    portal.call(portal.close)
