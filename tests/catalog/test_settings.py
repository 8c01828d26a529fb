import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from benchmarks.machinery.absent import surroundings
from catalog.databases import Driver, parse_database, prepare
from catalog.settings import Settings, SettingsError, load_settings, or_exit

POSTGRES = "postgresql://user:p%40ss@host:5433/name"
ROOT = Path(__file__).parents[2]


def settings(tmp_path: Path, driver: Driver = "async", **config: Any) -> Settings:
    app = Flask("catalog", instance_path=str(tmp_path / "instance"))
    app.config.from_mapping(config)
    return load_settings(app, driver)


@pytest.mark.parametrize(
    ("text", "driver", "url"),
    [
        (POSTGRES, "async", "postgresql+asyncpg://user:p%40ss@host:5433/name"),
        (POSTGRES, "sync", "postgresql+psycopg://user:p%40ss@host:5433/name"),
        ("postgres://host/name", "async", "postgresql+asyncpg://host/name"),
        ("postgres://host/name", "sync", "postgresql+psycopg://host/name"),
        ("postgresql+asyncpg://host/name", "async", "postgresql+asyncpg://host/name"),
        ("postgresql+psycopg://host/name", "async", "postgresql+psycopg://host/name"),
        ("postgresql+psycopg://host/name", "sync", "postgresql+psycopg://host/name"),
        ("postgresql:///name?host=/run/pg", "async", "postgresql+asyncpg:///name?host=%2Frun%2Fpg"),
        ("sqlite:////a/file.db", "async", "sqlite+aiosqlite:////a/file.db"),
        ("sqlite:////a/file.db", "sync", "sqlite+pysqlite:////a/file.db"),
        ("sqlite+aiosqlite:////a/b", "async", "sqlite+aiosqlite:////a/b"),
        ("sqlite:///file.db", "sync", f"sqlite+pysqlite:///{Path.cwd()}/file.db"),
    ],
)
def test_one_url_gives_each_app_its_driver(text: str, driver: Driver, url: str) -> None:
    assert parse_database(text, driver).url.render_as_string(hide_password=False) == url


@pytest.mark.parametrize(
    ("text", "driver", "complaint"),
    [
        ("", "async", "is not a URL such as postgresql://"),
        ("nonsense", "async", "is not a URL such as postgresql://"),
        ("postgresql://host:port/name", "async", "is not a URL such as postgresql://"),
        ("mysql://host/name", "async", "'mysql' is not supported"),
        ("postgresql+asyncpg://host/name", "sync", "the driver 'asyncpg' does not fit here (sync)"),
        ("sqlite+aiosqlite:///x", "sync", "leave it out, or use pysqlite"),
        ("sqlite+pysqlite:///x", "async", "leave it out, or use aiosqlite"),
        ("postgresql+psycopg2://host/name", "sync", "leave it out, or use psycopg"),
        ("sqlite://", "async", "in memory"),
        ("sqlite:///:memory:", "sync", "in memory"),
        ("sqlite:///file.db?mode=ro", "sync", "without host or options"),
        ("sqlite://file.db", "sync", "in memory"),
        ("postgresql://host/name\n", "async", "begins or ends with white space"),
        (" sqlite:////a/file.db", "sync", "begins or ends with white space"),
        ("postgresql://host/name?sslmode=yes", "async", "'sslmode' must be one of disable,"),
        ("postgresql://host/name?sslmode=yes", "sync", "'sslmode' must be one of disable,"),
        ("postgresql://host/name?connect_timeout=0", "async", "must be a whole number of seconds"),
        ("postgresql://host/name?options=-csearch_path%3Dx", "sync", "the option 'options' is not supported"),
        ("postgresql://host/name?host=a&host=b", "async", "the option 'host' is not supported; allowed once"),
    ],
)
def test_a_wrong_url_is_refused_with_its_reason(text: str, driver: Driver, complaint: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_database(text, driver)
    assert complaint in str(error.value)


def test_libpq_options_reach_each_driver_in_its_own_way() -> None:
    url = "postgresql://host/name?sslmode=require&connect_timeout=3&application_name=me"
    asyncpg, psycopg = parse_database(url, "async"), parse_database(url, "sync")
    assert asyncpg.connect_args == {"ssl": "require", "timeout": 3, "server_settings": {"application_name": "me"}}
    assert not asyncpg.url.query
    assert psycopg.connect_args == {}
    assert psycopg.url.query == {"sslmode": "require", "connect_timeout": "3", "application_name": "me"}


def test_prepared_statements_can_be_turned_off(tmp_path: Path) -> None:
    urls: dict[str, Any] = {"DATABASE_URL": f"{POSTGRES}?connect_timeout=3", "ACTIVITY_DATABASE_URL": POSTGRES}
    kept, off = (settings(tmp_path, PREPARED_STATEMENTS=kept, **urls) for kept in (True, False))
    assert kept.database.connect_args == {"timeout": 3}
    assert off.database.connect_args == {"timeout": 3, "statement_cache_size": 0, "prepared_statement_cache_size": 0}
    assert settings(tmp_path, "sync", PREPARED_STATEMENTS=False, **urls).activity.connect_args == {"prepare_threshold": None}
    assert settings(tmp_path, PREPARED_STATEMENTS=False).database.connect_args == {}


def test_the_defaults_are_two_files_in_the_instance_folder(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert found.database.url.database == str(tmp_path / "instance/catalog.sqlite3")
    assert found.activity.url.database == str(tmp_path / "instance/activity.sqlite3")
    assert (found.commit_mode, found.pool_size) == ("autocommit_include_redirect", 10)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL: 'mysql' is not supported"),
        ({"ACTIVITY_DATABASE_URL": 5}, "ACTIVITY_DATABASE_URL: is not a URL"),
        ({"COMMIT_MODE": "auto"}, "COMMIT_MODE: 'auto' is not one of manual, autocommit, autocommit_include_redirect"),
        ({"COMMIT_MODE": None}, "COMMIT_MODE: None is not one of"),
        ({"POOL_SIZE": 0}, "POOL_SIZE: 0 is not an integer from 1 to 1000"),
        ({"POOL_SIZE": True}, "POOL_SIZE: True is not an integer"),
        ({"POOL_SIZE": 1.5}, "POOL_SIZE: 1.5 is not an integer"),
        ({"POOL_SIZE": "1001"}, "POOL_SIZE: '1001' is not an integer"),
        ({"DATABASE_URL": f"{POSTGRES}\n"}, "DATABASE_URL: begins or ends with white space"),
        ({"PREPARED_STATEMENTS": "no"}, "PREPARED_STATEMENTS: 'no' is neither true nor false"),
        ({"SECRET_KEY": ""}, "SECRET_KEY: must be text that is not empty"),
        ({"SECRET_KEY": 123}, "SECRET_KEY: must be text"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(tmp_path: Path, config: Mapping[str, Any], complaint: str) -> None:
    with pytest.raises(SettingsError) as error:
        settings(tmp_path, **config)
    assert error.value.format_message().startswith(complaint)
    assert "\n" not in error.value.format_message()
    assert error.value.exit_code == 2


def test_two_sqlite_transactions_of_one_request_need_two_files(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(SettingsError, match="ACTIVITY_DATABASE_URL: must be another SQLite file"):
        settings(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/file", ACTIVITY_DATABASE_URL=f"sqlite:///{tmp_path}/link")
    settings(tmp_path, DATABASE_URL=POSTGRES, ACTIVITY_DATABASE_URL=POSTGRES)


def test_a_secret_key_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(lambda _: settings(tmp_path).secret_key, range(16)))
    assert len(made) == 1
    path = tmp_path / "instance/secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == made.pop()
    assert len(path.read_text()) == 64
    assert list(path.parent.iterdir()) == [path]
    assert settings(tmp_path, SECRET_KEY="mine").secret_key == "mine"


def test_an_instance_folder_that_cannot_be_made_is_a_setting_error(tmp_path: Path) -> None:
    (tmp_path / "instance").write_text("in the way")
    with pytest.raises(SettingsError, match=r"DATABASE_URL: is not set, and the folder .* cannot be made: File exists"):
        settings(tmp_path)
    with pytest.raises(SettingsError, match="SECRET_KEY: is not set"):
        settings(tmp_path, DATABASE_URL="sqlite:////x", ACTIVITY_DATABASE_URL="sqlite:////y")


@pytest.mark.parametrize(("software", "status"), [("", 2), ("gunicorn/27.0.1", 4)])
def test_a_server_ends_with_one_line(
    software: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def create_app() -> Flask:
        raise SettingsError("POOL_SIZE: no")

    monkeypatch.setenv("SERVER_SOFTWARE", software)
    with pytest.raises(SystemExit) as end:
        or_exit(create_app)
    assert end.value.code == status
    assert capsys.readouterr() == ("", "Error: POOL_SIZE: no\n")


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["flask", "--app", "app_async", "run", "--port", "0"], 2),
        (["flask", "--app", "app_async", "database", "check"], 2),
        (["gunicorn", "--bind", "127.0.0.1:0", "--log-level", "critical", "app_async.wsgi:app"], 4),
        (["uvicorn", "--port", "0", "app_async.asgi:app"], 2),
    ],
    ids=["flask run", "flask database", "gunicorn", "uvicorn"],
)
def test_a_wrong_value_stops_the_start(command: list[str], status: int) -> None:
    program = Path(sys.executable).parent / command[0]
    databases = {"CATALOG_DATABASE_URL": "sqlite:////x", "CATALOG_ACTIVITY_DATABASE_URL": "sqlite:////y"}
    environment = {**os.environ, **surroundings(), **databases, "CATALOG_POOL_SIZE": "many"}
    ended = subprocess.run(
        [program, *command[1:]], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == status
    assert ended.stderr == "Error: POOL_SIZE: 'many' is not an integer from 1 to 1000\n"


def test_sqlite_checks_foreign_keys_and_waits_for_writers(tmp_path: Path) -> None:
    engine = create_engine(parse_database(f"sqlite:///{tmp_path}/x", "sync").url)
    prepare(engine)
    with engine.connect() as connection:
        values = [
            connection.scalar(text(f"PRAGMA {name}")) for name in ("foreign_keys", "journal_mode", "busy_timeout", "synchronous")
        ]
    engine.dispose()
    assert values == [1, "wal", 30_000, 1]
