"""Adding a contender, a scenario or a question is one entry in one file: each is seen wherever it belongs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.analysis.answers import answers
from benchmarks.analysis.cells import results
from benchmarks.analysis.compare import Run, compare
from benchmarks.analysis.verdict import Verdict
from benchmarks.cli import main
from benchmarks.in_process.cells import MicroCell, plan
from benchmarks.in_process.micro.plan import Plan
from benchmarks.raw import instructions, load, micro
from benchmarks.report.model import Runs
from benchmarks.report.model import report as tree
from benchmarks.report.pages import Links, render
from benchmarks.subjects.contenders import BASELINE, CONTENDERS, CONTROL
from benchmarks.subjects.profiles import CAPACITY, PROFILES, cells
from benchmarks.subjects.questions import QUESTIONS
from benchmarks.subjects.scenarios import SCENARIOS
from tests.benchmarks import report_data

NAME, SCENARIO, QUESTION = "async-new", "shelf", "shelf-new"
ENVIRONMENT = {**report_data.header([]).environment, "drivers": {"sync": "a", "async": "b"}}


@pytest.fixture(autouse=True)
def entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of each, like others but for their names."""
    contender = replace(CONTENDERS["async-native"], name=NAME, about="a new way to run it")
    scenario = replace(SCENARIOS["read"], name=SCENARIO, title="read a shelf")
    question = replace(QUESTIONS["ordinary-native"], name=QUESTION, asks="A shelf, anew", scenario=SCENARIO, contender=NAME)
    monkeypatch.setitem(CONTENDERS, NAME, contender)
    monkeypatch.setitem(SCENARIOS, SCENARIO, scenario)
    monkeypatch.setitem(QUESTIONS, QUESTION, question)


def test_they_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "list"])
    with pytest.raises(SystemExit):
        main()
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert [names.count(name) for name in (NAME, SCENARIO, QUESTION)] == [2, 2, 1]


@pytest.mark.parametrize("profile", ["quick", "standard", "full"])
def test_they_are_planned_under_load(profile: str) -> None:
    found = {(cell.database, cell.scenario, cell.load): cell.contenders for cell in cells(PROFILES[profile])}
    assert found["postgresql", SCENARIO, CAPACITY][0] == BASELINE
    assert QUESTIONS[QUESTION] in PROFILES[profile].asked
    if profile != "full":
        assert NAME in found["postgresql", SCENARIO, CAPACITY]
    if profile != "quick":
        assert {"sqlite", "postgresql"} == {database for database, scenario, _ in found if scenario == SCENARIO}
        assert NAME in found["postgresql", "read", CAPACITY]


def test_they_are_planned_in_process() -> None:
    wanted = {MicroCell(database, SCENARIO, NAME) for database in ("sqlite", "postgresql")} | {MicroCell("none", "noop", NAME)}
    assert wanted <= set(plan())
    assert wanted <= set(Plan(1, ("sqlite", "postgresql"), (), (), 0, 0.1, Path(), "").cells)


def loaded(monkeypatch: pytest.MonkeyPatch) -> load.LoadRun:
    """A run of the question's cell, in which the new contender costs 0.7 of the baseline."""
    monkeypatch.setitem(report_data.CONTENDERS, NAME, CONTENDERS[NAME].facts())
    title = SCENARIOS[SCENARIO].title
    monkeypatch.setitem(report_data.SCENARIOS, SCENARIO, {"title": title, "delay": None, "writes": False})
    monkeypatch.setitem(report_data.EFFECTS, NAME, 0.7)
    return report_data.run_of(
        [load.LoadCell("postgresql", SCENARIO, CAPACITY, 6, 5.0, 4, (BASELINE, CONTROL, "async-native", NAME))]
    )


def timed() -> micro.MicroRun:
    """The same in process."""
    chosen = Plan(6, ["postgresql"], [SCENARIO], [NAME], 0, 0.1, Path(), "")
    (group,) = chosen.groups
    databases, about = {"postgresql": {"version": "18"}}, {name: CONTENDERS[name].about for name in group.contenders}
    header = micro.MicroHeader("now", "", 0, 6, 0.1, 2_000, databases, (group,), about, {}, ENVIRONMENT)
    costs = {BASELINE: 1_000.0, CONTROL: 1_001.0, NAME: 700.0}
    trials = [
        micro.MicroTrial(number, "postgresql", SCENARIO, name, 8, cost + number, cost + number)
        for number in range(1, 7)
        for name, cost in costs.items()
    ]
    return micro.MicroRun(header, [], trials)


def counted() -> instructions.InstructionRun:
    """The same in instructions."""
    places = plan(["postgresql"], [SCENARIO], [NAME])
    about = {name: CONTENDERS[name].about for name in (BASELINE, NAME)}
    header = instructions.InstructionHeader("now", "", 2, 2_000, tuple(places), BASELINE, about, {}, {}, {}, {}, ENVIRONMENT)
    counts: dict[str, Sequence[float]] = {BASELINE: [4e6, 4e6], NAME: [3e6, 3e6]}
    return instructions.InstructionRun(
        header, [instructions.InstructionCell(*place, 16, counts[place.contender], {}, {}, None) for place in places]
    )


def test_they_are_answered_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    run = loaded(monkeypatch)
    (answer,) = [one for one in answers(results(run)) if one.question.name == QUESTION]
    assert answer.verdict is Verdict.BETTER
    links = Links("", {kind: f"{kind}.jsonl" for kind in ("load", "micro", "instructions")}, "")
    made = render(tree(Runs(load=run, micro=timed(), instructions=counted())), links, published=False)
    assert QUESTIONS[QUESTION].asks in made.first
    rows = {
        name: [line for line in page.splitlines() if line.startswith("|") and NAME in line] for name, page in made.pages.items()
    }
    assert all(rows[name] for name in ("verdicts", "costs", "counts", "environment"))
    assert any("3.000" in row and "0.75" in row for row in rows["counts"]), "the exact counts"
    assert any("704" in row for row in rows["counts"]), "in process"


def test_they_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    made = loaded(monkeypatch)
    runs: tuple[Run, ...] = (made, timed(), counted())
    for run in runs:
        assert (SCENARIO, NAME) in {(change.place.scenario, change.place.contender) for change in compare(run, run).changes}
