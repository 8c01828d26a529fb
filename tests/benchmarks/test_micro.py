"""The in-process comparison: the plan, the checks that come first, and whole runs in processes of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import NullPool, create_engine, func, select, table

from benchmarks.analysis.micro import summarize
from benchmarks.in_process.callers import open_contender
from benchmarks.in_process.cells import CALLS, PORTAL, MicroCell, contenders, plan, portals, scenarios
from benchmarks.in_process.examination import TOGETHER, Examination, Findings, TimeLimitExceeded, examine, time_limit
from benchmarks.in_process.messages import WrongAnswerError
from benchmarks.in_process.micro.plan import Plan
from benchmarks.load import Request
from benchmarks.machinery.databases import KINDS, SETTINGS, Databases, Kind
from benchmarks.machinery.postgres import PostgresServer
from benchmarks.machinery.reasons import reason
from benchmarks.raw import NO_DATABASE
from benchmarks.raw.micro import MicroRun, read
from benchmarks.subjects.contenders import BASELINE, CONTENDERS, CONTROL, FROZEN
from benchmarks.subjects.portals import PORTALS
from benchmarks.subjects.scenarios import BOOKS_IN_PROCESS as BOOKS
from benchmarks.subjects.scenarios import SCENARIOS
from catalog.databases import parse_database

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 240.0
OPENED = [BASELINE, "async-loop", "async-native"]


@pytest.fixture(scope="module")
def sqlite() -> Iterator[Databases]:
    with tempfile.TemporaryDirectory() as folder:
        databases = Databases("sqlite", Path(folder), None)
        databases.seed(BOOKS)
        yield databases


# The plan


def test_the_plan_has_every_cell_once_its_peers_side_by_side() -> None:
    cells = plan(control=True)
    assert len(set(cells)) == len(cells)
    runs = [cell[:2] for place, cell in enumerate(cells) if not place or cells[place - 1][:2] != cell[:2]]
    wanted = [(database, name) for database in ("none", *KINDS) for name in scenarios()]
    assert runs == [(database, name) for database, name in wanted if SCENARIOS[name].database == (database != "none")]
    reading = [name for name in contenders() if CONTENDERS[name].asked(["read"])]
    assert [cell.contender for cell in cells if cell[:2] == ("postgresql", "read")] == reading
    on_sqlite = [cell.contender for cell in cells if cell[:2] == ("sqlite", "read")]
    assert on_sqlite == [name for name in reading if "sqlite" in CONTENDERS[name].databases]


def test_cells_are_chosen_by_database_scenario_and_contender() -> None:
    assert plan(["sqlite"], ["read", "noop"], ["async-native"]) == [
        MicroCell("none", "noop", BASELINE),
        MicroCell("none", "noop", "async-native"),
        MicroCell("sqlite", "read", BASELINE),
        MicroCell("sqlite", "read", "async-native"),
    ]


def test_who_differs_in_its_server_alone_is_not_opened() -> None:
    opened = {(CONTENDERS[name].app, tuple(CONTENDERS[name].drivers.items())) for name in contenders() if name != CONTROL}
    assert len(opened) == len(contenders()) - 1
    served = {"sync-a2wsgi", "async-gevent", "async-wsgi-to-asgi-own-context"}
    """Whose apps are for their servers alone."""
    others = (one for one in CONTENDERS.values() if one.name not in (*FROZEN, *served))
    assert opened == {(one.app, tuple(one.drivers.items())) for one in others}


def test_a_plan_groups_who_is_compared() -> None:
    def chosen(*asked: str, named: tuple[str, ...] = ()) -> Plan:
        return Plan(2, ["sqlite"], asked, named, 0, 0.1, Path(), "")

    (group,) = chosen(PORTAL).groups
    assert (group.contenders, group.baseline, group.control, group.batch) == (
        tuple(PORTALS),
        "stock-portal",
        "stock-portal-aa",
        CALLS,
    )
    assert PORTALS[group.baseline].open is PORTALS[group.control].open
    (group,) = chosen("read", named=("async-native",)).groups
    assert (group.contenders, group.baseline, group.control) == ((BASELINE, CONTROL, "async-native"), BASELINE, CONTROL)
    assert chosen().cells == [*portals(), *plan(["sqlite"], control=True)]


# The checks


def findings_of(contender: str, urls: dict[str, str], asked: list[str]) -> Findings:
    found: list[Findings] = []
    examine([Examination("sqlite", contender, urls, asked)], lambda _, findings: found.append(findings))
    return found[0]


@pytest.mark.parametrize("contender", [*OPENED, "async-wsgi-to-asgi"])
def test_contenders_answer_right_alone_and_together(sqlite: Databases, contender: str) -> None:
    findings = findings_of(contender, sqlite.copy(f"right_{contender}"), scenarios())
    assert findings == dict.fromkeys([*scenarios(), TOGETHER])


def test_a_contender_that_answers_wrong_is_found_with_its_reason(tmp_path: Path) -> None:
    empty = {setting: f"sqlite:///{tmp_path}/{setting}" for setting in ("DATABASE_URL", "ACTIVITY_DATABASE_URL")}
    findings = findings_of("async-loop", empty, ["noop", "read"])
    problem = findings["read"]
    assert problem
    assert "no such table: book" in problem or "status 503" in problem
    assert findings["noop"] is findings[TOGETHER] is None


def test_a_contender_that_does_not_start_fails_in_every_scenario() -> None:
    findings = findings_of("async-native", {"DATABASE_URL": "mysql://nowhere"}, ["noop", "read"])
    assert set(findings) == {"noop", "read"}
    assert all(
        problem and problem.startswith("SettingsError: DATABASE_URL: 'mysql' is not supported") for problem in findings.values()
    )


def test_a_contender_that_crashes_fails_where_it_did(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    crashing = tmp_path / "python"
    right = """read order; case $order in *'"step": "noop"'*) echo null; read order; esac"""
    crashing.write_text(f"#!/bin/sh\n{right}\nkill -SEGV $$\n")
    crashing.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(crashing))
    findings: list[Findings] = []
    examine([Examination("x", BASELINE, {}, ["noop", "read"])], lambda _, found: findings.append(found))
    assert findings[0] == {"noop": None, "read": "the process crashed: SIGSEGV", TOGETHER: "the process crashed: SIGSEGV"}


def test_the_time_limit_ends_what_waits_for_ever() -> None:
    lock = threading.Lock()
    lock.acquire()
    with pytest.raises(TimeLimitExceeded, match=r"no answer within 0\.05 s"), time_limit(0.05):
        lock.acquire()
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_reason_is_the_root_cause_without_addresses() -> None:
    def fail() -> None:
        try:
            try:
                raise RuntimeError("Task <Task pending coro=<view() at 0x7f> cb=[<x>]> got\nFuture <Future at 0x8>")
            except RuntimeError as error:
                raise OSError("outer") from error
        except OSError as error:
            raise ExceptionGroup("group", [error]) from None

    with pytest.raises(ExceptionGroup) as raised:
        fail()
    assert reason(raised.value) == "RuntimeError: Task got Future"


@pytest.mark.parametrize("contender", OPENED)
def test_a_wrong_status_or_body_stops_a_batch(sqlite: Databases, contender: str) -> None:
    caller = open_contender(contender, sqlite.copy(f"wrong_{contender}"))
    try:
        caller.batch([Request("/noop", check=lambda body: body == b"")], check=True)()
        with pytest.raises(WrongAnswerError, match="GET /noop: status 200"):
            caller.batch([Request("/noop", status=404)])()
        with pytest.raises(WrongAnswerError, match="GET /nothing: status 404"):
            caller.batch([Request("/nothing")])()
        with pytest.raises(WrongAnswerError, match="wrong body"):
            caller.batch([Request("/noop", check=lambda body: body == b"x")], check=True)()
    finally:
        caller.close()


# The data


def counts(databases: Databases, urls: dict[str, str]) -> dict[str, int]:
    """Rows by table."""
    tables = {"DATABASE_URL": ("book", "book_tag", "author", "tag"), "ACTIVITY_DATABASE_URL": ("activity",)}
    found = {}
    for setting, names in tables.items():
        engine = create_engine(parse_database(urls[setting], "sync").url, poolclass=NullPool)
        with engine.connect() as connection:
            for name in names:
                found[name] = connection.scalar(select(func.count()).select_from(table(name))) or 0
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_copies_are_equal_and_writes_are_undone(kind: Kind, tmp_path: Path, postgres: PostgresServer) -> None:
    there = {*postgres.created}
    databases = Databases(kind, tmp_path, postgres if kind == "postgresql" else None)
    databases.seed(200)
    first, second = databases.copy("first"), databases.copy("second")
    before = counts(databases, first)
    assert before == counts(databases, second)
    assert before["book"] == 200
    caller = open_contender(BASELINE, first)
    create = SCENARIOS["create"].request
    assert create
    numbers = [number for number in range(BOOKS) if number * 7_919 % BOOKS < 200][:5]  # books that there are
    caller.batch([create(number, BOOKS) for number in numbers], check=True)()
    after = counts(databases, first)
    assert (after["book"], after["activity"], after["book_tag"]) == (205, 5, before["book_tag"] + 5)
    assert counts(databases, second) == before
    databases.undo_writes(first)
    assert counts(databases, first) == before
    caller.close()
    assert databases.facts()["version"]
    assert databases.facts().get("journal_mode") == ("WAL" if kind == "sqlite" else None)
    for name in {*postgres.created} - there:
        postgres.drop_database(name)


# The suite, as a user of pytest-benchmark runs it


def test_the_suite_prints_its_groups_saves_and_compares(tmp_path: Path) -> None:
    """With the project's own options, which make warnings errors."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}

    def suite(chosen: str, *arguments: str) -> str:
        command = [sys.executable, "-m", "pytest", "benchmarks/", "--benchmark-max-time=0.01", f"--benchmark-storage={tmp_path}"]
        more = ["-k", chosen, "--benchmark-compare", *arguments]
        result = subprocess.run([*command, *more], check=False, capture_output=True, text=True, cwd=ROOT, env=environment)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    json_file = tmp_path / "suite.json"
    first = suite("own-loop or noop-sync-threads", "--benchmark-autosave", f"--benchmark-json={json_file}")
    assert "benchmark 'call of an empty coroutine: 200 at a time': 1 tests" in first
    assert "benchmark 'dispatch of an empty view: batches of 40': 2 tests" in first
    found = {one["name"]: one["extra_info"] for one in json.loads(json_file.read_text())["benchmarks"]}
    assert found.keys() == {f"test_request[noop-{name}]" for name in (BASELINE, CONTROL)} | {"test_call[portal-own-loop]"}
    assert all(one["units"] % one["batch"] == 0 and one["cpu"] > 0 for one in found.values())
    again = suite("own-loop")
    assert "test_call[portal-own-loop] (NOW)" in again
    assert "test_call[portal-own-loop] (0001_" in again


# Whole runs


class Started:
    """`python -m benchmarks micro` as a process, with a folder for temporary files of its own."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.temporary.chmod(0o755)
        folder.chmod(0o755)
        self.output = folder / "micro.jsonl"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks", "micro", "--output", str(self.output), *arguments],
            cwd=ROOT,
            env={**inherited, "TMPDIR": str(self.temporary), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.seen: set[psutil.Process] = set()

    def wait_for_trials(self, count: int) -> None:
        """Wait until so many trials are recorded; note which processes belong to the run."""
        end = time.monotonic() + DEADLINE_SECONDS
        while not self.output.exists() or self.output.read_text().count('"line": "trial"') < count:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end
            time.sleep(0.05)
        self.seen = set(psutil.Process(self.process.pid).children(recursive=True))

    def assert_nothing_is_left(self) -> None:
        gone, alive = psutil.wait_procs(self.seen, timeout=30)
        assert not alive
        assert gone
        end = time.monotonic() + 10  # after SIGKILL, the one that cleans up may be a moment behind
        while list(self.temporary.iterdir()) and time.monotonic() < end:
            time.sleep(0.05)
        assert list(self.temporary.iterdir()) == []


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Started, MicroRun, str, str]:
    """A small run on SQLite, to its end."""
    folder = tmp_path_factory.mktemp("finished")
    asked = ["--scenario=noop", "--scenario=create", "--contender=async-native"]
    started = Started(folder, "--passes=2", "--database=sqlite", "--seconds=0.01", "--seed=7", *asked)
    stdout, stderr = started.process.communicate(timeout=DEADLINE_SECONDS)
    assert started.process.returncode == 0, stderr
    return started, read(started.output), stdout, stderr


def test_a_run_records_every_trial_and_the_terms(finished: tuple[Started, MicroRun, str, str]) -> None:
    started, run, _, _ = finished
    keys = Counter((trial.number, trial.database, trial.scenario, trial.contender) for trial in run.trials)
    wanted = {
        (number, group.database, group.scenario, contender)
        for number in (1, 2)
        for group in run.header.groups
        for contender in group.contenders
    }
    assert set(keys) == wanted
    assert set(keys.values()) == {1}
    assert [(group.database, group.scenario) for group in run.header.groups] == [
        (NO_DATABASE, "noop"),
        ("sqlite", "create"),
    ]
    assert run.header.seed == 7
    assert run.header.settings["POOL_SIZE"] == SETTINGS["POOL_SIZE"]
    assert "SECRET_KEY" not in run.header.settings
    assert run.header.environment["packages"]["sqlalchemy"]
    assert list(started.temporary.iterdir()) == []


def test_a_run_checks_every_contender_before_it_measures(finished: tuple[Started, MicroRun, str, str]) -> None:
    _, run, _, _ = finished
    checked = {(check.database, check.contender, check.scenario): check.problem for check in run.checks}
    for contender in (BASELINE, CONTROL, "async-native"):
        assert {(NO_DATABASE, contender, "noop"), ("sqlite", contender, "create"), ("sqlite", contender, TOGETHER)} <= set(
            checked
        )
    assert not any(checked.values())


def test_times_are_plausible(finished: tuple[Started, MicroRun, str, str]) -> None:
    """One process runs on one thread at a time: wall time is at least about the CPU time of a single thread's work."""
    _, run, _, _ = finished
    for trial in run.trials:
        group = next(one for one in run.header.groups if (one.database, one.scenario) == (trial.database, trial.scenario))
        assert trial.requests >= 3 * group.batch
        assert trial.requests % group.batch == 0
        assert 1 < trial.wall < 1e6
        assert 1 < trial.cpu < 1e6


def test_a_run_ends_in_verdicts_and_a_report(finished: tuple[Started, MicroRun, str, str]) -> None:
    started, run, stdout, stderr = finished
    assert "6 cells (2 groups, each with its contenders) x 2 passes x 0.01 s: about" in stdout
    assert "create a book, SQLite" in stdout
    assert f"Report: {started.output.with_suffix('.md')}" in stdout
    assert "pass 2 of 2" in stderr
    assert started.output.with_suffix(".md").read_text().startswith("# This run")
    assert "| create a book |" in (started.output.parent / "results" / "counts.md").read_text()
    assert len({(row.database, row.scenario) for row in summarize(run)}) == 2


def test_an_interrupted_run_keeps_its_trials_and_leaves_nothing(tmp_path: Path) -> None:
    asked = ["--scenario=read", "--contender=async-documented"]
    started = Started(tmp_path, "--passes=20", "--database=postgresql", "--seconds=0.05", *asked)
    started.wait_for_trials(2)
    assert any("postgres" in process.name() for process in started.seen)
    started.process.send_signal(signal.SIGINT)
    _, stderr = started.process.communicate(timeout=DEADLINE_SECONDS)
    assert started.process.returncode == 130
    assert re.search(rf"Interrupted\. \d+ finished trials are in {started.output}: python -m benchmarks report ", stderr)
    assert "Traceback" not in stderr
    started.assert_nothing_is_left()
    run = read(started.output)
    assert len(run.trials) >= 2
    failing = {check.contender for check in run.checks if check.scenario == "read" and check.problem}
    assert failing == {"async-documented"}, "pooled asyncpg under asgiref answers right: the catalogue of hazards is out of date"
    assert {trial.contender for trial in run.trials} == {BASELINE, CONTROL}


def test_a_killed_run_leaves_nothing(tmp_path: Path) -> None:
    started = Started(tmp_path, "--passes=20", "--database=sqlite", "--scenario=portal", "--seconds=0.05")
    started.wait_for_trials(2)
    started.process.kill()
    started.process.communicate()
    started.assert_nothing_is_left()
    lines = started.output.read_text().splitlines()
    assert all(json.loads(line) for line in lines[:-1])
