"""Settings of both apps, from `app.config`: what is allowed, what the defaults are, one clear line for a wrong value."""

import os
import secrets
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import click
from flask import Flask

from catalog.databases import Database, Driver, parse_database

CommitMode = Literal["manual", "autocommit", "autocommit_include_redirect"]
GUNICORN_APP_LOAD_ERROR = 4

T = TypeVar("T")


class SettingsError(click.ClickException):
    """A setting that is missing or wrong; the `flask` command prints it as one line and exits with status 2."""

    exit_code = 2


@dataclass(frozen=True)
class Settings:
    """What an app runs with; `pool_size` is the most connections per process and database."""

    database: Database
    activity: Database
    commit_mode: CommitMode
    pool_size: int
    secret_key: str | bytes


def load_settings(app: Flask, driver: Driver) -> Settings:
    """Read `DATABASE_URL`, `ACTIVITY_DATABASE_URL`, `COMMIT_MODE`, `POOL_SIZE`, `PREPARED_STATEMENTS` and `SECRET_KEY`.

    They are in `app.config`. Databases default to SQLite files in the instance folder, the secret key to a generated one that
    is kept there.

    Raises:
        SettingsError: A value is not allowed.
    """
    instance = Path(app.instance_path)
    prepared = _prepared_statements(app.config.get("PREPARED_STATEMENTS", True))
    database = _database(app, "DATABASE_URL", instance / "catalog.sqlite3", driver)
    activity = _database(app, "ACTIVITY_DATABASE_URL", instance / "activity.sqlite3", driver)
    if database == activity and database.url.get_backend_name() == "sqlite":
        # A request that writes has a transaction in each, and SQLite has one writer: the second would wait for the first.
        raise SettingsError("ACTIVITY_DATABASE_URL: must be another SQLite file than DATABASE_URL")
    return Settings(
        database=database if prepared else database.unprepared(),
        activity=activity if prepared else activity.unprepared(),
        commit_mode=_commit_mode(app.config.get("COMMIT_MODE", "autocommit_include_redirect")),
        pool_size=_pool_size(app.config.get("POOL_SIZE", 10)),
        secret_key=_secret_key(app.config.get("SECRET_KEY"), instance),
    )


def or_exit(create_app: Callable[[], T]) -> T:
    """Return `create_app()`, or print its `SettingsError` as one line and end the process.

    The exit status is 2; under gunicorn it is the one that stops the server instead of starting worker after worker.
    """
    try:
        return create_app()
    except SettingsError as error:
        sys.stderr.write(f"Error: {error.format_message()}\n")
        under_gunicorn = os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn")
        raise SystemExit(GUNICORN_APP_LOAD_ERROR if under_gunicorn else 2) from None


def _database(app: Flask, setting: str, default: Path, driver: Driver) -> Database:
    value = app.config.get(setting)
    if value is None:
        _make_folder(default.parent, setting)
        value = f"sqlite:///{default}"
    try:
        return parse_database(str(value), driver)
    except ValueError as error:
        raise SettingsError(f"{setting}: {error}") from None


def _commit_mode(value: Any) -> CommitMode:
    if value not in get_args(CommitMode):
        raise SettingsError(f"COMMIT_MODE: {value!r} is not one of {', '.join(get_args(CommitMode))}")
    mode: CommitMode = value
    return mode


def _pool_size(value: Any) -> int:
    text = str(value)
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise SettingsError(f"POOL_SIZE: {value!r} is not an integer from 1 to 1000")
    return int(text)


def _prepared_statements(value: Any) -> bool:
    if not isinstance(value, bool):
        raise SettingsError(f"PREPARED_STATEMENTS: {value!r} is neither true nor false")
    return value


def _secret_key(value: Any, instance: Path) -> str | bytes:
    if value is None:
        return _kept_secret_key(instance / "secret_key")
    if not isinstance(value, (str, bytes)) or not value:
        raise SettingsError("SECRET_KEY: must be text that is not empty; put quotes around a number, such as '\"123\"'")
    return value


def _kept_secret_key(path: Path) -> str:
    """Return the key kept in `path`; make one if there is none. Processes that start at the same time agree on it."""
    _make_folder(path.parent, "SECRET_KEY")
    try:
        if not path.exists():
            with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:  # mode 0600
                file.write(secrets.token_hex())
                file.flush()
                with suppress(FileExistsError):
                    os.link(file.name, path)
        return path.read_text()
    except OSError as error:
        raise SettingsError(f"SECRET_KEY: is not set and cannot be kept in {path}: {error.strerror}") from None


def _make_folder(folder: Path, setting: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{setting}: is not set, and the folder {folder} cannot be made: {error.strerror}") from None
