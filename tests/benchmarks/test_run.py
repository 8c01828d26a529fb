"""Whole load runs on real servers: what they record, how they end, and how they go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.cli import INTERRUPTED, main
from benchmarks.errors import BenchmarkError
from benchmarks.machinery.environment import environment as facts_here
from benchmarks.machinery.placement import choose
from benchmarks.machinery.postgres import PostgresServer
from benchmarks.raw import Recorder, load
from benchmarks.raw.load import Failure, Load, LoadCell, LoadRun
from benchmarks.raw.problem import Problem
from benchmarks.subjects.contenders import BASELINE, CONNECTIONS, CONTENDERS, CONTROL, THREADS
from benchmarks.subjects.profiles import CAPACITY, PROFILES, cells
from benchmarks.under_load import runner
from benchmarks.under_load.driver import DriverError
from benchmarks.under_load.runner import RunPlan
from benchmarks.under_load.trial import Round

from . import report_data

ROOT = Path(__file__).parents[2]
SECONDS = 0.2
RUN = (
    *("--profile", "smoke", "--rounds", "2", "--seconds", str(SECONDS), "--books", "1000", "--scenario", "create"),
    *("--contender", "async-native", "--contender", "async-documented"),
)
OWN = ("--database", "postgresql", *RUN)
"""With a PostgreSQL of its own."""


KEPT = "What is finished is in {}; go on with the same command and --resume"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks", "run", *arguments]


def environment(temporary: Path) -> dict[str, str]:
    """Of a run that starts its own PostgreSQL and has its temporary files there."""
    return {**{name: value for name, value in os.environ.items() if name != "DATABASE_URL"}, "TMPDIR": str(temporary)}


def run(folder: Path, *arguments: str) -> str:
    """What it wrote; its temporary files are in `folder`, and must be gone."""
    temporary = folder / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        command(*arguments),
        check=False,
        cwd=ROOT,
        env=environment(temporary),
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert not list(temporary.iterdir())
    return done.stdout + done.stderr


def begun(temporary: Path, *arguments: str) -> subprocess.Popen[str]:
    """A run in a process of its own, which says its progress on stderr."""
    return subprocess.Popen(
        command(*arguments),
        cwd=ROOT,
        env=environment(temporary),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(folder: Path, how: signal.Signals, *arguments: str) -> tuple[int, str]:
    """Start a run, end it in its second round, see that nothing is left; its status, and what it wrote until then."""
    temporary = folder / "temporary"
    temporary.mkdir()
    process = begun(temporary, *arguments)
    assert process.stderr
    progress = ""
    for line in process.stderr:
        progress += line
        if line.startswith("round 2"):
            break
    process.send_signal(signal.SIGSTOP)  # it is not to end before it has been looked at
    wait_for(lambda: len(ours(temporary)) >= 6)  # itself, the generator, PostgreSQL, a server, supervisors
    process.send_signal(how)
    process.send_signal(signal.SIGCONT)
    said, _ = process.communicate(timeout=120)
    wait_for(lambda: not ours(temporary) and not list(temporary.iterdir()))
    return process.returncode, said + progress


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run that Ctrl-C ended in its second round, and what it wrote."""
    folder = tmp_path_factory.mktemp("interrupted")
    output = folder / "load.jsonl"
    status, said = end(folder, signal.SIGINT, *OWN, "--output", str(output))
    assert status == 130
    return output, said


@pytest.fixture(scope="module")
def finished(
    interrupted: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> tuple[Path, str]:
    """The same gone on with, to its end, and what that wrote: after a round of which one trial is there, and half a line.

    On a PostgreSQL that runs already.
    """
    lines = interrupted[0].read_text().splitlines(keepends=True)
    last = {**json.loads(next(line for line in reversed(lines) if json.loads(line)["line"] == "trial")), "round": 2}
    folder = tmp_path_factory.mktemp("finished")
    output = folder / "load.jsonl"
    output.write_text("".join(lines) + json.dumps(last) + "\n" + json.dumps(last)[:100])
    return output, run(folder, "--database", postgres.url, *RUN, "--output", str(output), "--resume")


def test_every_trial_is_recorded_whole(finished: tuple[Path, str]) -> None:
    found = load.read(finished[0])
    assert [cell.scenario for cell in found.header.cells] == ["create"]
    assert {trial.contender for trial in found.trials} == {"sync-threads", "sync-threads-aa", "async-native"}
    assert not found.failures
    assert {(check.contender, check.scenario) for check in found.checks} == {
        (name, asked) for name in found.header.contenders for asked in ("create", "together")
    }
    assert {check.contender for check in found.checks if check.problem} == {"async-documented"}
    assert [trial.round for trial in found.trials] == [1, 1, 1, 2, 2, 2]
    for trial in found.trials:
        assert trial.load == CAPACITY.name
        assert trial.acknowledged == trial.stored
        assert 0 < trial.count < (trial.acknowledged or 0)  # the warm-up's were written too
        assert SECONDS <= trial.seconds < 20
        assert sum(trial.slices.answered) == trial.count
        assert not trial.errors
        assert 0 < trial.server_cpu < 4 * trial.seconds
        assert trial.server_memory > 2**20
        if trial.round == 1:
            assert 0 < (trial.database_cpu or 0) < 4 * trial.seconds
        else:
            assert trial.database_cpu is None  # of a server that this run has not started
        assert 2 <= (trial.database_connections or 0) <= 2 * CONNECTIONS
        assert trial.server_threads >= 1
        assert 0 < trial.generator_cpu < 1.5
    threads = {trial.contender: trial.server_threads for trial in found.trials}
    assert threads["sync-threads"] >= THREADS
    assert found.ceilings[0].throughput > 100
    assert found.header.databases["postgresql"]["version"]
    assert found.header.code


def test_it_begins_with_its_plan_and_ends_in_verdicts(interrupted: tuple[Path, str], finished: tuple[Path, str]) -> None:
    assert "1 comparison, 2 rounds of 8 trials; about" in interrupted[1]
    said = finished[1]
    assert "create" in said
    assert "async-native" in said
    assert "baseline" in said


def test_an_interrupted_run_goes_on_where_it_was(interrupted: tuple[Path, str], finished: tuple[Path, str]) -> None:
    before, after = load.read(interrupted[0]), load.read(finished[0])
    assert "1 round of 4 trials left" in finished[1]
    assert [trial.round for trial in before.trials] == [1, 1, 1]
    assert after.trials[:3] == before.trials
    assert {trial.contender for trial in after.trials[3:]} == {trial.contender for trial in before.trials}
    assert not [one for one in after.trials[3:] if replace(one, round=1) in before.trials]  # what was there in part is not kept
    assert after.checks == before.checks
    assert len(after.ceilings) == 1


def test_what_fails_is_recorded_and_not_driven(interrupted: tuple[Path, str], finished: tuple[Path, str]) -> None:
    found = load.read(finished[0])
    problems = {check.contender: check.problem for check in found.checks if check.scenario == "create"}
    assert problems["sync-threads"] is None
    assert "attached to a different loop" in str(problems["async-documented"])
    assert {trial.contender for trial in found.trials} == {"sync-threads", "sync-threads-aa", "async-native"}
    assert "async-documented fails: create, postgresql" in interrupted[1]


def test_the_url_of_a_server_is_not_recorded(finished: tuple[Path, str], postgres: PostgresServer) -> None:
    assert postgres.url not in finished[0].read_text()  # it has a password
    assert postgres.url not in finished[1]


def test_a_killed_run_leaves_nothing_behind(interrupted: tuple[Path, str], tmp_path: Path) -> None:
    output = tmp_path / "load.jsonl"
    output.write_bytes(interrupted[0].read_bytes())
    status, _ = end(tmp_path, signal.SIGKILL, *OWN, "--output", str(output), "--resume")
    assert status == -signal.SIGKILL
    assert load.read(output).trials == load.read(interrupted[0]).trials


@pytest.mark.usefixtures("forked_servers")
@pytest.mark.parametrize("scenario", ["read", "create"])
def test_a_database_that_is_gone_is_no_fault_of_the_contenders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], scenario: str
) -> None:
    """The server is killed in the first round: the run ends in one line, and has recorded nothing against anybody."""
    output, temporary = tmp_path / "load.jsonl", tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))  # for processes
    others = {one.pid for one in psutil.Process().children(recursive=True)}

    def run(plan: RunPlan, see: Callable[[object], object]) -> LoadRun:
        def kill_when_it_begins(seen: object) -> None:
            see(seen)
            if isinstance(seen, Round):
                own = {one.pid for one in psutil.Process().children(recursive=True)} - others
                running = [one for one in psutil.process_iter(["cmdline"]) if one.pid in own]
                (server,) = (one for one in running if "-D" in (one.info["cmdline"] or ()))
                server.kill()

        return runner.run(plan, kill_when_it_begins)

    monkeypatch.setattr("benchmarks.cli.run.run", run)
    arguments = ("--profile", "smoke", "--rounds", "1", "--seconds", "2", "--books", "1000", "--contender", "sync-threads-aa")
    asked = ("--database", "postgresql", "--scenario", scenario, "--output", str(output))
    monkeypatch.setattr(sys, "argv", ["benchmarks", "run", *arguments, *asked])
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 2, said
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("Error: ")
    assert "Connection refused" in said.splitlines()[-1]
    assert said.endswith(f". {KEPT.format(output)}\n")
    assert not load.read(output).failures
    assert not list(temporary.iterdir())


def test_a_run_of_another_plan_is_not_gone_on_with(
    finished: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = finished[0].read_bytes()
    arguments = ["benchmarks", "run", *OWN, "--seed", "1", "--output", str(finished[0]), "--resume"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "is of another plan" in line
    assert finished[0].read_bytes() == before


def begin(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command in this process, as far as to its first database; the exit status."""

    def run(plan: RunPlan, see: object) -> None:
        raise BenchmarkError("it ends here")

    monkeypatch.setattr("benchmarks.cli.run.run", run)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "run", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_run_that_was_interrupted_is_kept_and_one_that_was_not_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "load.jsonl"
    whole = report_data.run_of(report_data.few_cells())  # with a contender that fails its checks
    where = ("postgresql", "read", "async-loop")
    failed = LoadRun(
        whole.header,
        whole.checks,
        [Failure(*where, "closed-8", Problem("no answer"))],
        trials=[one for one in whole.trials if (one.database, one.scenario, one.contender) != where],
    )
    for complete in (whole, failed):
        report_data.record(output, complete)
        assert begin(monkeypatch, "--database", "sqlite", "--output", str(output)) == 2
        assert list(tmp_path.iterdir()) == [output]
    for kept, interrupted in enumerate((whole, failed, whole), 1):
        report_data.record(output, interrupted, len(interrupted.trials) - 1)
        text = output.read_text()
        assert begin(monkeypatch, "--database", "sqlite", "--output", str(output)) == 2
        assert not output.exists()
        assert (tmp_path / f"load.interrupted-{kept}.jsonl").read_text() == text


def test_a_file_that_is_gone_on_with_is_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "load.jsonl"
    report_data.record(output, report_data.run_of(report_data.few_cells()), 3)
    text = output.read_text()
    output.write_text(text + text[:100])
    monkeypatch.delattr(Path, "write_bytes")
    recorder = Recorder(output, resume=True)
    assert output.read_text() == text
    recorder.write(Failure("postgresql", "read", "async-loop", "closed-8", Problem("no answer")))
    recorder.close()
    assert [failure.problem for failure in load.read(output).failures] == [Problem("no answer")]


@pytest.mark.usefixtures("forked_servers")
@pytest.mark.parametrize(("budget", "names"), [(0.5, set()), (600.0, {BASELINE, CONTROL})])
def test_no_round_begins_that_would_end_too_late(tmp_path: Path, budget: float, names: set[str]) -> None:
    """A run in this process, in which the databases alone take longer than half a second."""
    profile = replace(PROFILES["smoke"], budget=budget, questions=("waits-threads",))
    chosen = cells(profile, ("sqlite",), (BASELINE,), ("read",), 1, 0.2)
    found = runner.run(RunPlan(profile, chosen, 1000, 0, tmp_path / "load.jsonl", ""), lambda _: None)
    assert {trial.contender for trial in found.trials} == names
    assert len(load.read(tmp_path / "load.jsonl").trials) == len(found.trials)


@pytest.mark.parametrize(
    ("fact", "changes"),
    [
        (None, {}),
        ("seed", {"seed": 1}),
        ("warmup", {"warmup": 9.0}),
        ("contenders", {"contenders": {}}),
        ("placement", {"placement": {"server": "core 99"}}),
        ("python", {"environment": {"python": "CPython 3.0"}}),
        ("packages", {"environment": {"packages": {}}}),
        ("cpu", {"environment": {"cpu": "another"}}),
        ("commit", {"environment": {"commit": "0123456789ab"}}),
    ],
)
def test_a_run_is_gone_on_with_by_its_like_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fact: str | None,
    changes: dict[str, Any],
) -> None:
    chosen = cells(PROFILES["smoke"], ("sqlite",), (), ("read",))
    facts: dict[str, Any] = {
        "profile": "smoke",
        "seed": 0,
        "books": 1000,
        "warmup": PROFILES["smoke"].warmup,
        "contenders": {name: CONTENDERS[name].facts() for name in chosen[0].contenders},
        "placement": choose().facts(database_here=False),
        "environment": facts_here(),
    }
    for name, change in changes.items():
        facts[name] = {**facts[name], **change} if name == "environment" else change
    output = tmp_path / "load.jsonl"
    report_data.record(output, LoadRun(replace(report_data.header(chosen), **facts)))
    command = ("--profile", "smoke", "--database", "sqlite", "--scenario", "read", "--books", "1000", "--output", str(output))
    assert begin(monkeypatch, *command, "--resume") == 2
    said = capsys.readouterr().err.splitlines()
    if fact:
        (line,) = said
        assert line.startswith(f"Error: {output} is of another plan, code or machine (other {fact}): python -m benchmarks run")
    else:
        assert said[-1] == f"Error: it ends here. {KEPT.format(output)}"


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


def wait_for(condition: object, seconds: float = 120.0) -> None:
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
        (("--database", "postgresql://a@b/c", "--database", "postgresql://d@e/f"), "--database names 2 servers: a run is on one"),
        (("--database", "sqlite", "--scenario", "slow"), "nothing to run: the scenarios named do not run"),
        (("--rounds", "0"), "0 is not in the range"),
        (("--seconds", "0"), "0.0 is not in the range"),
        (("--seconds", "nan"), "nan is not a number of seconds"),
        (("--seconds", "inf"), "inf is not in the range"),
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
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert words in line
    assert not list(tmp_path.iterdir())


def test_an_interrupt_before_anything_was_recorded_promises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmarks.cli.run.run", interrupt)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "run", "--database", "sqlite", "--output", str(tmp_path / "load.jsonl")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == INTERRUPTED
    assert capsys.readouterr().err.splitlines()[-1] == "Interrupted"


def test_what_ends_a_run_early_is_said_with_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(plan: RunPlan, see: Callable[[object], object]) -> None:
        see(LoadRun(report_data.header(list(plan.cells))))
        raise DriverError("the load generator ended: the process crashed: SIGKILL")

    output = tmp_path / "load.jsonl"
    monkeypatch.setattr("benchmarks.cli.run.run", run)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "run", "--database", "sqlite", "--output", str(output)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == f"Error: the load generator ended: the process crashed: SIGKILL. {KEPT.format(output)}"


def test_who_fails_under_one_load_goes_on_under_the_others() -> None:
    names = ("sync-threads", "async-native")
    chosen = [LoadCell("postgresql", "read", Load(connections), 2, 1.0, 4, names) for connections in (8, 64)]
    plan = RunPlan(PROFILES["smoke"], chosen, 1000, 0, Path("load.jsonl"), "")
    found = LoadRun(report_data.header(chosen))
    found.failures.append(Failure("postgresql", "read", "async-native", "closed-64", Problem("no answer")))
    left = [
        (turn.number, turn.cell.load.connections, {one.name for one in runner._able(turn, found)})
        for rounds in runner.remaining(plan, found)
        for turn in rounds
    ]
    assert left == [
        (number, connections, {*names} if connections == 8 else {"sync-threads"}) for number in (1, 2) for connections in (8, 64)
    ]
