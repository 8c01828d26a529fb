"""Settings of both apps: one line and status 2 for a wrong one, however the app is started; one URL serves both."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app_async import create_app as create_async
from app_sync import create_app as create_sync
from benchmarks.machinery.absent import surroundings
from benchmarks.machinery.postgres import PostgresServer
from catalog.settings import SettingsError

from .stores import BINDS, Backend, Store, Stores, close_connections

ROOT = Path(__file__).parents[2]
FACTORIES = {"sync": create_sync, "async": create_async}
every_app = pytest.mark.parametrize("name", FACTORIES)


@pytest.fixture
def good(tmp_path: Path) -> dict[str, Any]:
    return Store({bind: f"sqlite:///{tmp_path}/{bind}" for bind in BINDS}).settings()


def test_a_wrong_setting_stops_the_start_with_one_line(good: dict[str, Any]) -> None:
    """The sync app's; tests/catalog has every way in which the async app is started."""
    environment = {f"CATALOG_{name}": text for name, text in {**good, "ACTIVITY_DATABASE_URL": "sqlite://"}.items()}
    result = subprocess.run(
        [sys.executable, "-c", "import app_sync.wsgi"],
        cwd=ROOT,
        env={**os.environ, **surroundings(), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.startswith("Error: ACTIVITY_DATABASE_URL: SQLite needs a file")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@every_app
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("COMMIT_MODE", None),
        ("COMMIT_MODE", ["manual"]),
        ("COMMIT_MODE", "AUTOCOMMIT"),
        ("POOL_SIZE", 1001),
        ("POOL_SIZE", "ten"),
        ("POOL_SIZE", 2.5),
        ("POOL_SIZE", True),
        ("POOL_SIZE", "\u0661\u0660"),
        ("SECRET_KEY", 5),
        ("SECRET_KEY", b""),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite:///file?mode=ro"),
        ("DATABASE_URL", "postgresql://h:port/n"),
        ("DATABASE_URL", "postgresql://me:hunter2@h/n?sslmode=maybe"),
        ("ACTIVITY_DATABASE_URL", "oracle://h/n"),
    ],
)
def test_wrong_values_are_named(name: str, setting: str, value: object, good: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as raised:
        FACTORIES[name]({**good, setting: value})
    message = raised.value.format_message()
    assert message.startswith(f"{setting}: ")
    assert "\n" not in message
    assert "hunter2" not in message


@every_app
def test_one_url_in_any_spelling_serves_both_apps(name: str, backend: Backend, stores: Stores, postgres: PostgresServer) -> None:
    spellings = ["sqlite"] if backend == "sqlite" else ["postgresql", "postgres", "postgresql+psycopg"]
    for spelling in spellings:
        urls = {bind: url.replace(backend, spelling, 1) for bind, url in stores.shared(backend).urls.items()}
        app = FACTORIES[name](Store(urls).settings())
        assert app.test_client().get("/books").get_json()["total"] == 278
        close_connections(app)


@every_app
def test_settings_come_from_the_environment_and_from_the_caller(
    name: str, good: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting, value in {**good, "POOL_SIZE": "3", "COMMIT_MODE": "manual"}.items():
        monkeypatch.setenv(f"CATALOG_{setting}", value)
    app = FACTORIES[name]({"COMMIT_MODE": "autocommit"})
    configs = app.extensions["advanced_alchemy"].config
    assert [config.commit_mode for config in configs] == ["autocommit"] * 2
    assert [config.get_engine().pool.size() for config in configs] == [3, 3]
    assert app.config["SECRET_KEY"] == "test"
