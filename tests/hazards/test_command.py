"""The command and its raw file."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner, Result

from benchmarks.cli import cli
from benchmarks.cli.hazards import chosen
from benchmarks.hazards.catalogue import HAZARDS
from benchmarks.raw import ResultsError
from benchmarks.raw import hazards as raw


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["hazards", *arguments])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["h99"], f"no hazard 'h99'; there are: {', '.join(HAZARDS)}"),
        (
            ["--database", "oracle"],
            "--database is 'oracle': it must be sqlite, postgresql or a URL such as postgresql://user@host/name",
        ),
        (["h1", "--database", "sqlite"], "h1: not on sqlite; it shows on postgresql"),
        (["h1", "--database", "postgresql://nobody@127.0.0.1:1/none", "--output", "{tmp}"], "PostgreSQL at"),
        (["h15", "--output", "/proc/nowhere/file"], "/proc/nowhere"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(tmp_path: Path, arguments: list[str], said: str) -> None:
    result = ask(*(argument.replace("{tmp}", str(tmp_path / "raw.jsonl")) for argument in arguments))
    assert result.exit_code == 2
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["h15", "H15", "h15-background-tasks-are-cancelled", "#h15-background-tasks-are-cancelled"])
def test_hazard_is_called_by_its_name_or_anchor(name: str) -> None:
    assert chosen((name,)) == [HAZARDS["h15"]]


def test_names_are_run_in_the_order_of_the_catalogue() -> None:
    assert [hazard.name for hazard in chosen(("h10", "h2"))] == ["h2", "h10"]
    assert chosen(()) == [*HAZARDS.values()]


def test_command_ends_in_a_table_and_a_raw_file(tmp_path: Path) -> None:
    output = tmp_path / "raw.jsonl"
    result = ask("h15", "--output", str(output))
    assert result.exit_code == 0, result.output
    assert "cancelled" in result.output
    run = raw.read(output)
    assert [(run.side("h15", model) or run.sides[0]).broken for model in ("documented", "async-loop", "async-native")] == [
        True,
        False,
        False,
    ]


def test_ctrl_c_loses_only_what_runs_and_leaves_no_process(tmp_path: Path) -> None:
    output = tmp_path / "raw.jsonl"
    argv = [sys.executable, "-m", "benchmarks", "hazards", "h15", "h7", "h2", "--output", str(output)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("[1/9]")
        started = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
    assert process.returncode == 130
    assert said.rstrip().endswith(f"Interrupted. What was seen is in {output}")
    assert "Traceback" not in said
    assert len(raw.read(output).sides) >= 1
    _, alive = psutil.wait_procs(started, timeout=30)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


def test_killed_runner_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "benchmarks", "hazards", "h15", "h21", "h22", "--output", str(tmp_path / "raw.jsonl")]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environ = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stderr
        assert process.stderr.readline().startswith("[1/9]")
        assert list(temporary.iterdir())
        started = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        _, alive = psutil.wait_procs(started, timeout=30)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]
    assert not list(temporary.iterdir())


def test_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text('{"line": "header", "kind": "micro", "schema": 1}\n')
    with pytest.raises(ResultsError, match="of kind 'micro'"):
        raw.read(path)
