"""The command line: what it lists, and one line with exit status 2 for what is wrong. Whole runs are in test_micro.py."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.cli import main
from benchmarks.cli.base import long_job, without_password
from benchmarks.in_process.micro.plan import Plan
from benchmarks.machinery.environment import environment
from benchmarks.raw import Recorder
from benchmarks.raw.micro import MicroCheck, MicroHeader
from benchmarks.subjects.contenders import CONTENDERS
from benchmarks.subjects.portals import PORTALS
from benchmarks.subjects.questions import QUESTIONS
from benchmarks.subjects.scenarios import SCENARIOS
from benchmarks.under_load.server import free_port

ROOT = Path(__file__).parents[2]


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run it in this process; the exit status."""
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_list_names_all_contenders_and_groups(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(monkeypatch, "list") == 0
    lines = capsys.readouterr().out.splitlines()
    for name in (*CONTENDERS, *PORTALS, *SCENARIOS, *QUESTIONS):
        assert any(line.split()[:1] == [name] for line in lines), name


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "No such command 'nothing'"),
        (["micro", "--nothing"], "No such option '--nothing'"),
        (["micro", "--scenario", "nothing"], "'nothing' is not one of 'portal', 'noop', 'read'"),
        (["micro", "--database", "mysql"], "'mysql' is not one of 'sqlite', 'postgresql', 'both'"),
        (["micro", "--passes", "0"], "0 is not in the range"),
        (["micro", "--passes", "many"], "'many' is not a valid integer"),
        (["micro", "--seconds", "0"], "0.0 is not in the range"),
        (["micro", "--seconds", "nan"], "nan is not a number of seconds"),
        (["micro", "--seconds", "inf"], "inf is not in the range"),
        (["micro", "--output", "."], "File '.' is a directory"),
        (["report", "nothing.jsonl"], "nothing.jsonl: cannot be read: No such file or directory"),
        (["report", "pyproject.toml"], "pyproject.toml: is not a raw file of benchmark results"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(ROOT)
    assert command(monkeypatch, *arguments) == 2
    output, error = capsys.readouterr()
    assert output == ""
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    assert words in error


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://user:secret@127.0.0.1:1/catalog", "PostgreSQL at postgresql://user:***@127.0.0.1:1/catalog: "),
        ("mysql://127.0.0.1/catalog", "a URL of 'mysql' is not PostgreSQL's"),
    ],
)
def test_an_unreachable_database_is_said_in_one_line_and_spoils_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, url: str, words: str
) -> None:
    raw = tmp_path / "micro.jsonl"
    raw.write_text("the last run's\n")
    monkeypatch.setenv("DATABASE_URL", url)
    assert command(monkeypatch, "micro", "--database", "postgresql", "--output", str(raw)) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"Error: {words}")
    assert error.count("\n") == 1
    assert "secret" not in error
    assert raw.read_text() == "the last run's\n"


def test_a_run_that_ends_early_says_why_in_one_line(tmp_path: Path) -> None:
    output = tmp_path / "micro.jsonl"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\ncase "$*" in *_flask*) echo no disk left >&2; exit 1;; esac\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    code = f"import sys; sys.executable = {str(python)!r}; from benchmarks.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code, "micro", "--database=sqlite", "--scenario=read", f"--output={output}"],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    assert result.returncode == 2, result.stderr
    assert result.stderr == "Error: the comparison ended early: the databases could not be seeded: no disk left\n"


@pytest.mark.parametrize("name", ["run", "micro", "instructions", "hazards"])
def test_what_cannot_be_written_is_said_before_the_work_begins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.chdir(ROOT)
    assert command(monkeypatch, name, "--output", str(file / "raw.jsonl")) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Error: {file}")
    assert "Not a directory" in line or "File exists" in line


@pytest.mark.parametrize("name", ["run", "micro", "serve"])
def test_without_a_temporary_folder_it_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    ending = tmp_path / "python"
    ending.write_text("#!/bin/sh\n")
    ending.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(ending))
    where = ["async-native", "--port", str(free_port())] if name == "serve" else ["--output", str(tmp_path / "raw.jsonl")]
    assert command(monkeypatch, name, "--database", "sqlite", *where) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "Error: the process ended with status 0"


@pytest.mark.parametrize(
    ("argument", "published"),
    [
        ("postgresql://me:hunter2@host:5432/name", "postgresql://me:***@host:5432/name"),
        ("postgresql:///name?host=here&user=me&password=hunter2", "postgresql:///name"),
        ("--database=postgresql://me@host/name?password=hunter2", "--database=postgresql://me@host/name"),
        ("--output=build/a?b.jsonl", "--output=build/a?b.jsonl"),
    ],
)
def test_a_password_is_not_published(argument: str, published: str) -> None:
    assert without_password(argument) == published


@pytest.mark.parametrize(("contender", "status"), [("async-documented", 0), ("async-native", 1)])
def test_only_the_documented_wiring_may_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, contender: str, status: int
) -> None:
    def run(plan: Plan, _: Callable[[str], object]) -> None:
        recorder = Recorder(plan.output)
        recorder.write(MicroHeader("now", "", 0, 1, 0.1, 1, {}, (), {}, {}, environment()))
        recorder.write(MicroCheck("sqlite", contender, "read", "RuntimeError: it broke"))
        recorder.close()

    monkeypatch.setattr("benchmarks.cli.micro.run", run)
    assert command(monkeypatch, "micro", "--output", str(tmp_path / "micro.jsonl")) == status
    error = capsys.readouterr().err
    assert error == ("Error: 1 checks failed, the first: async-native, read: RuntimeError: it broke\n" if status else "")
    assert "RuntimeError: it broke" in (tmp_path / "results" / "counts.md").read_text("utf-8")


def test_without_a_command_it_helps(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(monkeypatch) == 0
    output, error = capsys.readouterr()
    assert "Compare the sync and the async app." in output
    assert error == ""


def test_sigterm_is_said_with_what_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, long_job("this", lambda: "Two are kept"):
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 143
    assert capsys.readouterr().err.splitlines() == ["", "Interrupted. Two are kept"]
