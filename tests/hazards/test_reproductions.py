"""The reproductions are what upstream is given: short, and without this project."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.hazards.catalogue import HAZARDS
from benchmarks.hazards.hazard import REPRODUCTIONS
from benchmarks.machinery.absent import PLACE, surroundings

LINES = 30
REFUSE = """
import sys

class Refuse:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {project}:
            raise AssertionError(name + " is imported")

sys.meta_path.insert(0, Refuse)
"""
SCRIPTS = sorted(REPRODUCTIONS.glob("*.py"))
FOREIGN = {"advanced_alchemy", "asgiref", "flask", "flask_wtf", "sqlalchemy", "uvicorn", "werkzeug"}
PROJECT = {"app_async", "app_sync", "benchmarks", "catalog", "flask_oneloop", "tests"}


def test_there_is_one_for_each_hazard() -> None:
    assert [hazard.script for hazard in HAZARDS.values()] == SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: str(script.stem))
def test_it_is_short_and_stands_alone(script: Path) -> None:
    text = script.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= LINES
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= FOREIGN | set(sys.stdlib_module_names)
    docstring = ast.get_docstring(tree) or ""
    assert "pip install" in docstring
    assert "rints" in docstring


@pytest.mark.parametrize("name", ["h4", "h8", "h15", "h36", "h39", "h43"])
def test_it_runs_by_itself(tmp_path: Path, name: str) -> None:
    environ = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "DATABASE_URL"}}
    (tmp_path / "sitecustomize.py").write_text(REFUSE.format(project=PROJECT) + (PLACE / "sitecustomize.py").read_text())
    script = shutil.copy(HAZARDS[name].script, tmp_path)  # as whoever is given it would have it
    environ |= {**surroundings(), "PYTHONPATH": str(tmp_path)}
    result = subprocess.run([sys.executable, script], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert HAZARDS[name].judge(json.loads(result.stdout.splitlines()[-1])).broken
