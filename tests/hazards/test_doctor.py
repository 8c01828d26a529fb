"""The doctor: what is there is found, what is not is not, and nothing is changed by looking."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from benchmarks.cli import main
from benchmarks.errors import BenchmarkError
from benchmarks.hazards.catalogue import HAZARDS
from benchmarks.hazards.doctor import Diagnosis, Symptom, examine
from benchmarks.machinery.absent import surroundings
from tests.forked import run

FLASK = """
from flask import Flask

app = Flask(__name__)

@app.get("/data")
async def get_data():
    return {"data": []}
"""
"""As Flask's page on async views has it."""
ALCHEMY = """
from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from flask import Flask
from sqlalchemy import text
{imports}
app = Flask(__name__)
alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="{url}", commit_mode="{mode}", create_all=True{more}), app)

@app.get("/users")
async def list_users():
    return str(await alchemy.get_async_session().scalar(text("SELECT 1")))
"""
"""As Advanced Alchemy's page on Flask has it."""
SYNC = """
from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemySyncConfig
from flask import Flask

def create_app():
    app = Flask(__name__)
    AdvancedAlchemy(SQLAlchemySyncConfig(connection_string="sqlite:///local.db", commit_mode="{mode}", create_all=True), app)
    app.add_url_rule("/", view_func=view)
    return app

{view}
"""
CLASS = """
from flask.views import MethodView

class View(MethodView):
    async def get(self):
        return ""

view = View.as_view("view")
"""
STOCK = {"h4", "h8", "h11", "h21"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in surroundings(path=str(Path(__file__).parents[2])).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def found(folder: Path, source: str, path: str = "myapp:app") -> set[str]:
    (folder / "myapp.py").write_text(source)
    return {finding.hazard for finding in diagnosed(folder, path).findings}


def diagnosed(folder: Path, path: str, **environment: str) -> Diagnosis:
    """As `examine` does it, by a process that is forked."""
    environment = {**os.environ, "PYTHONPATH": f"{folder}:{os.environ['PYTHONPATH']}", "PYTHONWARNINGS": "ignore", **environment}
    done = run(["-m", "benchmarks.hazards.doctor", path], cwd=folder, env=environment, timeout=60)
    answer = json.loads(done.stdout)
    return Diagnosis(tuple(Symptom(**one) for one in answer["findings"]), tuple(answer["undecided"]))


def alchemy(url: str, mode: str = "autocommit", more: str = "", imports: str = "") -> str:
    return ALCHEMY.format(url=url, mode=mode, more=more, imports=imports)


def test_flasks_own_example(folder: Path) -> None:
    (folder / "myapp.py").write_text(FLASK)
    diagnosis = diagnosed(folder, "myapp:app")
    assert {finding.hazard for finding in diagnosis.findings} == {"h21"}
    assert any("no Advanced Alchemy extension" in words for words in diagnosis.undecided)


def test_advanced_alchemys_own_example(folder: Path) -> None:
    (folder / "myapp.py").write_text(alchemy("sqlite+aiosqlite:///local.db"))
    assert {finding.hazard for finding in examine("myapp:app").findings} == {*STOCK, "h2", "h5", "h12", "h23"}
    assert {path.name for path in folder.iterdir()} - {"__pycache__"} == {"myapp.py"}  # no database, though it creates all tables


@pytest.mark.parametrize(
    ("source", "more"),
    [
        (alchemy("postgresql+asyncpg://u:p@127.0.0.1:1/d", "manual"), {"h1", "h2"}),
        (alchemy("postgresql+psycopg://u:p@127.0.0.1:1/d", "manual"), {"h1", "h2"}),
        (
            alchemy(
                "postgresql+asyncpg://u:p@127.0.0.1:1/d",
                "manual",
                ", engine_config=EngineConfig(poolclass=NullPool)",
                "from advanced_alchemy.extensions.flask import EngineConfig\nfrom sqlalchemy.pool import NullPool",
            ),
            {"h2", "h3", "h17"},
        ),
        (
            alchemy("sqlite+aiosqlite:///local.db", "manual").replace("Flask(__name__)", "Flask(__name__); app.debug = True"),
            {"h12", "h32"},
        ),
        (
            alchemy("sqlite+aiosqlite:///local.db", "manual") + "\nfrom asgiref.wsgi import WsgiToAsgi\napp = WsgiToAsgi(app)\n",
            {"h2", "h12", "h14"},
        ),
    ],
    ids=["asyncpg", "psycopg", "nullpool", "debug", "wsgi-to-asgi"],
)
def test_what_is_there_is_found(folder: Path, source: str, more: set[str]) -> None:
    assert found(folder, source) == STOCK | more


def test_a_synchronous_app(folder: Path) -> None:
    view = "def view():\n    return ''\n"
    assert found(folder, SYNC.format(mode="manual", view=view), "myapp:create_app") == set()
    assert found(folder, SYNC.format(mode="autocommit", view=view), "myapp:create_app()") == {"h5", "h23"}


def test_a_synchronous_engine_under_async_views(folder: Path) -> None:
    view = "async def view():\n    return ''\n"
    assert found(folder, SYNC.format(mode="manual", view=view), "myapp:create_app") == {"h21", "h27"}
    assert found(folder, SYNC.format(mode="manual", view=CLASS), "myapp:create_app") == {"h21", "h27"}


@pytest.mark.parametrize(
    "path", ["app_async:create_app", "app_async.wsgi:app", "app_async.asgi:app", "app_sync:create_app", "app_sync.wsgi:app"]
)
def test_nothing_is_found_in_ours(folder: Path, path: str) -> None:
    urls = {f"CATALOG_{name}": f"sqlite:///{folder / name}" for name in ("DATABASE_URL", "ACTIVITY_DATABASE_URL")}
    assert diagnosed(folder, path, CATALOG_SECRET_KEY="doctor", **urls).findings == ()
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("myapp:nothing", "Failed to find attribute 'nothing' in 'myapp'"),
        ("broken:app", "broken:app cannot be imported: ZeroDivisionError: division by zero"),
        ("ends:app", "ends:app cannot be imported: status 3"),
    ],
)
def test_what_cannot_be_imported_is_said(folder: Path, path: str, words: str) -> None:
    (folder / "myapp.py").write_text(FLASK)
    (folder / "broken.py").write_text("1 / 0")
    (folder / "ends.py").write_text("import os; os._exit(3)")
    with pytest.raises(BenchmarkError) as error:
        examine(path)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_the_command_names_anchors(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "myapp.py").write_text(FLASK)
    assert doctor(monkeypatch, "--app", "myapp:app") == 1
    said = capsys.readouterr().out
    assert f"RESULTS.md#{HAZARDS['h21'].anchor}" in said
    assert "myapp:app: 1 finding\n" in said
    assert doctor(monkeypatch, "--app", "nowhere:app") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "nowhere:app cannot be imported: ModuleNotFoundError: No module named 'nowhere'" in line
    assert doctor(monkeypatch) == 2


def doctor(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command in this process; the exit status."""
    monkeypatch.setattr(sys, "argv", ["benchmarks", "doctor", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)
