"""The documentation's code, run as it stands there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import flask_oneloop

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


def run(folder: Path, bare: Path, *arguments: str) -> str:
    """What Python writes; it finds the library and nothing else of the project."""
    environment = {**os.environ, "PYTHONPATH": f"{folder}:{bare}"}
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_block_has_a_name() -> None:
    assert README.read_text("utf-8").count("```python") == len(FILES) == 5


def test_its_tests_pass(folder: Path, bare: Path) -> None:
    assert "3 passed" in run(folder, bare, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_app.py")


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
    (folder / "ask.py").write_text(ASKING)
    answers = json.loads(run(folder, bare, "ask.py", module, *asked).splitlines()[-1])
    assert answers == [list(answer) for answer in asked.values()]
