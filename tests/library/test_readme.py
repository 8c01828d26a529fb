"""The documentation's code, run as it stands there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import flask_oneloop
from benchmarks.machinery.absent import surroundings
from tests import forked

README = Path(flask_oneloop.__path__[0], "README.md")
FILES = dict(re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE))
"""Its blocks of Python by the name in their first line."""

ASKING = """
import json, sys, time
from importlib import import_module
app = import_module(sys.argv[1]).app
client = app.test_client()
answers = []
for path in sys.argv[2:]:
    answer = client.post(path) if path.startswith(("/books/", "/later/")) else client.get(path)
    answers.append([answer.status_code, answer.text])
    if path.startswith("/later/"):
        while not client.get("/books").json:
            time.sleep(0.01)
print(json.dumps(answers))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, code in FILES.items():
        (tmp_path / name).write_text(code, "utf-8")
    return tmp_path


def test_every_block_has_a_name() -> None:
    assert README.read_text("utf-8").count("```python") == len(FILES) == 5


def test_its_tests_pass(folder: Path, bare: Path) -> None:
    environment = {**os.environ, **surroundings(["litestar"], f"{folder}:{bare}"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_app.py"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


@pytest.mark.parametrize(
    ("module", "asked"),
    [
        ("app", {"/books/Emma": (201, '{"added":"Emma"}\n'), "/books": (200, '["Emma"]\n')}),
        ("reports", {"/books/Emma": (201, '{"added":"Emma"}\n'), "/numbers": (200, "[1,1]\n")}),
        ("streams", {"/books/Emma": (201, '{"added":"Emma"}\n'), "/export": (200, "Emma\n")}),
        ("streams", {"/events": (200, "data: 0\n\ndata: 1\n\ndata: 2\n\n")}),
        ("tasks", {"/later/Emma": (202, ""), "/books": (200, '["Emma"]\n')}),
    ],
)
def test_its_apps_answer(folder: Path, bare: Path, module: str, asked: dict[str, tuple[int, str]]) -> None:
    environment = {**os.environ, **surroundings(path=f"{folder}:{bare}")}
    done = forked.run(["-c", ASKING, module, *asked], cwd=folder, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    assert answers == [list(answer) for answer in asked.values()]
