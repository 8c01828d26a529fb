"""Whole load runs on real servers: what they record, how they end, and how they go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.cli import main
from benchmarks.contenders import CONNECTIONS
from benchmarks.postgres import Server
from benchmarks.raw import load

ROOT = Path(__file__).parents[2]
SHORT = ("--rounds", "1", "--seconds", "0.5", "--books", "1000")
TWO_ROUNDS = ("--database", "postgresql", "--contender", "async-native", "--scenario", "create", *SHORT[2:], "--rounds", "2")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks", "run", *arguments]


def run(folder: Path, *arguments: str, status: int = 0) -> str:
    """What it wrote; its temporary files are in `folder`, and must be gone."""
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    done = subprocess.run(
        command(*arguments),
        check=False,
        cwd=ROOT,
        env={**{name: value for name, value in os.environ.items() if name != "DATABASE_URL"}, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == status, done.stderr
    assert not list(temporary.iterdir())
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run that came to its end, and what it wrote."""
    folder = tmp_path_factory.mktemp("finished")
    output = folder / "load.jsonl"
    return output, run(folder, *TWO_ROUNDS, "--output", str(output))


def test_every_trial_is_recorded_whole(finished: tuple[Path, str]) -> None:
    found = load.read(finished[0])
    assert [cell.scenario for cell in found.header.cells] == ["create"]
    assert {trial.contender for trial in found.trials} == {"sync-threads", "sync-threads-aa", "async-native"}
    assert not found.failures
    assert {(check.contender, check.scenario) for check in found.checks} == {
        (name, asked) for name in found.header.contenders for asked in ("create", "together")
    }
    assert all(check.problem is None for check in found.checks)
    assert [trial.round for trial in found.trials] == [1, 1, 1, 2, 2, 2]
    for trial in found.trials:
        assert trial.load == "closed-32"
        assert trial.acknowledged == trial.stored
        assert 0 < trial.count < (trial.acknowledged or 0)  # the warm-up's were written too
        assert 0.5 <= trial.seconds < 20
        assert not trial.errors
        assert 0 < trial.server_cpu < 4 * trial.seconds
        assert trial.server_memory > 2**20
        assert 0 < (trial.database_cpu or 0) < 4 * trial.seconds
        assert 2 <= (trial.database_connections or 0) <= 2 * CONNECTIONS
        assert trial.server_threads >= 1
        assert 0 < trial.generator_cpu < 1.5
    threads = {trial.contender: trial.server_threads for trial in found.trials}
    assert threads["sync-threads"] >= 16
    assert found.ceilings[0].throughput > 100
    assert found.header.databases["postgresql"]["version"]
    assert found.header.code


def test_it_ends_in_verdicts(finished: tuple[Path, str]) -> None:
    _, said = finished
    assert "1 comparisons, 2 rounds of 6 trials; about" in said
    assert "create" in said
    assert "async-native" in said
    assert "baseline" in said


def test_an_interrupted_run_goes_on_where_it_was(finished: tuple[Path, str], tmp_path: Path) -> None:
    lines = finished[0].read_text().splitlines(keepends=True)
    places = [place for place, line in enumerate(lines) if json.loads(line)["line"] == "trial"]
    output = tmp_path / "load.jsonl"
    # In the middle of a line of the second round, which is of no use without the rest.
    output.write_text("".join(lines[: places[4]]) + lines[places[4]][:100])
    said = run(tmp_path, *TWO_ROUNDS, "--output", str(output), "--resume")
    assert "1 rounds of 3 trials left" in said
    resumed, whole = load.read(output), load.read(finished[0])
    assert resumed.trials[:3] == whole.trials[:3]
    assert [(one.round, one.contender) for one in resumed.trials] == [(one.round, one.contender) for one in whole.trials]
    assert not [one for one in resumed.trials[3:] if one in whole.trials]
    assert resumed.checks == whole.checks
    assert len(resumed.ceilings) == 1


def test_a_run_of_another_plan_is_not_gone_on_with(finished: tuple[Path, str], tmp_path: Path) -> None:
    plan = (*TWO_ROUNDS, "--seed", "1")
    before = finished[0].read_bytes()
    said = run(tmp_path, *plan, "--output", str(finished[0]), "--resume", status=2)
    assert "is of another plan" in said
    assert len(said.splitlines()) == 1
    assert finished[0].read_bytes() == before


def test_what_fails_is_recorded_and_not_driven(tmp_path: Path, postgres: Server) -> None:
    output = tmp_path / "load.jsonl"
    chosen = ("--contender", "async-documented", "--scenario", "read")
    said = run(tmp_path, "--database", postgres.url, *chosen, *SHORT, "--output", str(output))
    found = load.read(output)
    problems = {check.contender: check.problem for check in found.checks if check.scenario == "read"}
    assert problems["sync-threads"] is None
    assert "attached to a different loop" in (problems["async-documented"] or "")
    assert {trial.contender for trial in found.trials} == {"sync-threads", "sync-threads-aa"}
    assert all((trial.database_connections or 0) >= 1 for trial in found.trials)
    assert all(trial.database_cpu is None for trial in found.trials)  # of a server that this run has not started
    assert "async-documented fails: read, postgresql" in said
    assert postgres.url not in output.read_text()  # it has a password


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_ending_it_in_a_trial_leaves_nothing_behind(tmp_path: Path, how: signal.Signals) -> None:
    output, temporary = tmp_path / "load.jsonl", tmp_path / "temporary"
    temporary.mkdir()
    arguments = ("--database", "sqlite", "--contender", "async-native", "--scenario", "read", "--books", "1000")
    process = subprocess.Popen(
        command(*arguments, "--seconds", "30", "--output", str(output)),
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr
    for line in process.stderr:
        if line.startswith("round 1"):
            break
    wait_for(lambda: len(ours(temporary)) >= 4)  # itself, the generator, the server, supervisors
    process.send_signal(how)
    status = process.wait(30)
    wait_for(lambda: not ours(temporary) and not list(temporary.iterdir()))
    assert status == (130 if how is signal.SIGINT else -how)
    found = load.read(output)
    assert not found.trials
    assert found.header.databases["sqlite"]["journal_mode"] == "WAL"
    process.stderr.close()


def ours(temporary: Path) -> list[psutil.Process]:
    """Processes that were started with this folder for temporary files."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == str(temporary) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_for(condition: object, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    assert callable(condition)
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--profile", "nothing"), "'nothing' is not one of 'smoke', 'quick', 'standard', 'full'"),
        (("--contender", "nothing"), "'nothing' is not one of 'sync-threads'"),
        (("--scenario", "nothing"), "'nothing' is not one of 'noop', 'read'"),
        (("--database", "mysql"), "--database is 'mysql': it must be sqlite, postgresql or a URL such as"),
        (("--database", "mysql://somewhere/else"), "--database is 'mysql://somewhere/else': it must be"),
        (("--database", "postgresql://nobody:secret@127.0.0.1:1/nowhere"), "PostgreSQL at postgresql://nobody:***@127.0.0.1:1"),
        (("--database", "sqlite", "--scenario", "slow"), "nothing to run: the scenarios named do not run"),
        (("--rounds", "0"), "0 is not in the range"),
        (("--seconds", "0"), "0.0 is not in the range"),
        (("--resume",), "nothing to resume: "),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    output = str(tmp_path / "load.jsonl")
    monkeypatch.setattr(sys, "argv", ["benchmarks", "run", *arguments, "--output", output])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    wrong = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Error: ")]
    assert len(wrong) == 1
    assert words in wrong[0]
    assert not list(tmp_path.iterdir())
