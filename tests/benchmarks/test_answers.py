"""From slices to answers, and where more rounds go."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.analysis.answers import Answer, answers
from benchmarks.analysis.cells import CellResult, Name, calibrations, lower_is_better, pooled, results
from benchmarks.analysis.verdict import Verdict, judge
from benchmarks.raw.load import Failure, Load, LoadRun, read
from benchmarks.raw.problem import Problem
from benchmarks.report.terminal import answer_cells, show_answers
from benchmarks.subjects.contenders import CONTENDERS
from benchmarks.subjects.profiles import PROFILES
from benchmarks.subjects.profiles import cells as cells_of
from benchmarks.subjects.questions import QUESTIONS, Question
from benchmarks.subjects.scenarios import SCENARIOS
from benchmarks.under_load.effort import next_sitting, sitting_seconds
from tests.benchmarks.measured import BASELINE, CONTROL, cell, run_of

PAIR = {BASELINE: 0.004, CONTROL: 0.004}
LOAD = Load(8)
MIXED = ("postgresql", "mixed", LOAD)
QUICK = PROFILES["quick"]


def only(run: LoadRun) -> CellResult:
    (found,) = results(run)
    return found


def judged(one: CellResult, quantity: Name = "cpu", contender: str = "async-native") -> Verdict | None:
    estimate = one.estimate(contender, quantity)
    return judge(estimate, lower_is_better=lower_is_better(quantity)) if estimate else None


def by_name(run: LoadRun) -> dict[str, Answer]:
    return {one.question.name: one for one in answers(results(run))}


def test_ratio_is_to_baseline_and_control_together() -> None:
    run = run_of([cell(*MIXED, {BASELINE: 0.004, CONTROL: 0.004 * 1.21, "async-native": 0.0044})], scatter=0.001)
    found = only(run)
    estimate = found.estimate("async-native", "cpu")
    assert estimate
    assert estimate.ratio == pytest.approx(1.0, abs=0.005), "1.1 of the one and 1 / 1.1 of the other"
    assert (estimate.slices, estimate.restarts) == (120, 4)
    alone = found.estimate("async-native", "cpu", [BASELINE])
    assert alone
    assert alone.ratio == pytest.approx(1.1, abs=0.005)
    control = found.estimate(CONTROL, "cpu")
    assert control
    assert control.ratio == pytest.approx(1.21, abs=0.005)
    assert found.estimate(BASELINE, "cpu") is None
    swapped = found.estimate(BASELINE, "cpu", ["async-native"])
    assert swapped
    assert swapped.ratio == pytest.approx(1 / alone.ratio)


def test_restarts_of_a_comparison_of_two_count_beside_those_of_all() -> None:
    """Ten rounds of its own say how restarts scatter, though the baseline has three, in which it was restless."""
    found = only(
        run_of([cell(*MIXED, {BASELINE: 0.004, "sync-threads-64": 0.004, "async-native": 0.004}, rounds=10)], scatter=0.01)
    )
    restless = {
        number: replace(one, slices=replace(one.slices, server_cpu=[number * each for each in one.slices.server_cpu]))
        for number, one in found.trials[BASELINE].items()
        if number <= 3
    }
    here = replace(found, trials={**found.trials, BASELINE: restless}, _logs={}, _spreads={})
    pair = here.logs("async-native", "cpu", ["sync-threads-64"])
    assert here.spread("cpu").freedom == 2 + 2
    assert here.spread("cpu", pair).freedom == 2 + 2 + 9
    assert here.spread("cpu").quotient > 3 * here.spread("cpu", pair).quotient
    one, other = (
        here.estimate("async-native", "cpu", ["sync-threads-64"]),
        here.estimate("sync-threads-64", "cpu", ["async-native"]),
    )
    assert one
    assert other
    assert one.half_width == pytest.approx(other.half_width)
    assert one.ratio == pytest.approx(1 / other.ratio)


@pytest.mark.parametrize(
    ("cost", "verdict"),
    [(1.0, Verdict.SAME), (0.8, Verdict.BETTER), (1.3, Verdict.WORSE), (1.045, Verdict.SLIGHTLY_WORSE)],
)
def test_verdict_is_by_interval_and_margin_alone(cost: float, verdict: Verdict) -> None:
    assert judged(only(run_of([cell(*MIXED, {**PAIR, "async-native": 0.004 * cost})]))) is verdict
    throughput = judged(only(run_of([cell(*MIXED, {**PAIR, "async-native": 0.004 / cost})])), "throughput")
    assert throughput is {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}.get(verdict, throughput)


def test_a_server_that_a_busy_loop_makes_a_tenth_slower_is_found() -> None:
    """Recorded: reads on SQLite, 0.6 ms more for the baseline's 5.4, 28 slices in 4 rounds on two cores that ten others used."""
    found = only(read(Path(__file__).parent / "data" / "slowed.jsonl"))
    assert judged(found, contender="slowed") is Verdict.WORSE
    assert judged(found, contender=CONTROL) is Verdict.SAME
    estimate = found.estimate("slowed", "cpu")
    assert estimate
    assert estimate.contains((5.4 + 0.6) / 5.4)


def test_noise_of_the_control_vetoes_nobody() -> None:
    """It is in the interval of each already."""
    run = run_of([cell(*MIXED, {BASELINE: 0.004, CONTROL: 0.0047, "async-native": 0.002})])
    assert judged(only(run)) is Verdict.BETTER


def test_who_fails_under_one_load_is_judged_under_the_others() -> None:
    costs = {**PAIR, "async-native": 0.002}
    failure = Failure("postgresql", "mixed", "async-native", "closed-128", Problem("timeout"))
    run = run_of([cell(*MIXED, costs), cell("postgresql", "mixed", Load(128), costs)], failures=[failure])
    few, many = results(run)
    assert (few.problems, judged(few)) == ({}, Verdict.BETTER)
    assert (many.problems, judged(many)) == ({"async-native": Problem("timeout")}, None)


@pytest.mark.parametrize("failing", [BASELINE, CONTROL])
def test_nobody_is_compared_with_who_fails(failing: str) -> None:
    run = run_of(
        [cell(*MIXED, {**PAIR, "async-native": 0.002})],
        failures=[Failure("postgresql", "mixed", failing, "closed-8", Problem("timeout"))],
    )
    assert only(run).references("async-native") == tuple(name for name in PAIR if name != failing)
    assert only(run).estimate(CONTROL, "cpu") is None


def test_intervals_are_widened_where_the_controls_say_so() -> None:
    """Controls that differ by 20 %, though they are the same: then no interval of the run is to be believed as it is."""
    different = {BASELINE: 0.004, CONTROL: 0.0048, "async-native": 0.004}
    cells = [cell("postgresql", name, LOAD, different) for name in ("read", "list", "mixed", "noop")]
    run = run_of(cells)
    plain, widened = run_of(cells[:1]), results(run)
    assert {name: one.contain for name, one in calibrations(results(plain)).items()} == {"cpu": 0, "throughput": 0}
    factors = {name: one.factors["cpu"] for name, one in zip("abcd", widened, strict=True)}
    assert min(factors.values()) > 2
    sound = results(run_of([cell("postgresql", name, LOAD, {**PAIR, "async-native": 0.004}) for name in ("read", "list")]))
    assert all(factor == 1 for one in sound for factor in one.factors.values())


def test_several_cells_taken_together() -> None:
    run = run_of(
        [cell("postgresql", name, LOAD, {**PAIR, "async-native": 0.004 * cost}) for name, cost in (("read", 0.8), ("list", 1.25))]
    )
    estimate = pooled(results(run), "async-native", "cpu")
    assert estimate
    assert estimate.ratio == pytest.approx(1, abs=0.02)
    assert pooled([], "async-native", "cpu") is None


def test_questions_are_of_what_there_is() -> None:
    for question in QUESTIONS.values():
        assert question.scenario in SCENARIOS
        assert {*question.contenders} <= {*CONTENDERS}


def test_every_question_of_the_quick_profile_is_measured_by_it() -> None:
    asked = {(one.database, one.scenario, one.load.name): one.contenders for one in cells_of(QUICK)}
    for name in QUICK.questions:
        assert {*QUESTIONS[name].contenders} <= {*asked[QUESTIONS[name].where]}, name


def test_answers_in_words() -> None:
    costs = {**PAIR, "async-documented": 0.01, "async-loop": 0.004, "async-native": 0.0034}
    failure = Failure("postgresql", "mixed", "async-documented", "closed-8", Problem("RuntimeError"))
    found = by_name(run_of([cell(*MIXED, costs)], failures=[failure]))
    assert {name: (one.decided, one.sentence) for name, one in found.items()} == {
        "documented-postgresql": (True, "It fails."),
        "ordinary-native": (True, "Yes: 0.85 times the CPU."),
        "ordinary-loop": (True, "No: the same CPU, within 5 %."),
    }


def test_answer_sheet(capsys: pytest.CaptureFixture[str]) -> None:
    """The same on the terminal and in the report."""
    costs = {**PAIR, "async-documented": 0.01, "async-loop": 0.004, "async-native": 0.003}
    failure = Failure("postgresql", "mixed", "async-documented", "closed-8", Problem("RuntimeError"))
    found = answers(results(run_of([cell(*MIXED, costs)], failures=[failure], scatter=0.001)))
    show_answers(found)
    *lines, last = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()) for line in lines[1:]] == [
        "Async as documented, PostgreSQL It fails. - fails",
        "Reads, lists, writes, PostgreSQL, native Yes: 0.75 times the CPU. 0.750 [0.749, 0.751] better",
        "Reads, lists, writes, PostgreSQL, loop No: the same CPU, within 5 %. 1.000 [0.999, 1.001] same",
    ]
    assert last.startswith("3 of 3 answered.")
    assert answer_cells(found[1])[1:] == ("Yes: 0.75 times the CPU.", "0.750 [0.749, 0.751]", "better")
    show_answers([])
    assert capsys.readouterr().out == ""


def test_one_round_answers_nothing() -> None:
    (answer,) = by_name(run_of([cell(*MIXED, {**PAIR, "async-native": 0.002}, rounds=1)])).values()
    assert (answer.decided, answer.sentence, answer.excess) == (False, "Undecided: this takes more rounds.", math.inf)


def test_an_effect_that_is_far_away_need_not_be_known_to_the_same_width() -> None:
    near, far = (
        by_name(run_of([cell(*MIXED, {**PAIR, "async-native": cost})], scatter=0.3))["ordinary-native"] for cost in (0.004, 0.012)
    )
    assert near.excess > 1 > far.excess


def test_more_rounds_go_to_the_widest_question() -> None:
    noisy = run_of([cell(*MIXED, {**PAIR, "async-loop": 0.004, "async-native": 0.004})], scatter=0.4)
    empty = run_of([cell("none", "noop", LOAD, {**PAIR, "async-loop": 0.004, "async-native": 0.004})], scatter=0.01)
    run = replace(noisy, header=replace(noisy.header, cells=noisy.header.cells + empty.header.cells))
    run.trials += empty.trials
    (turn,) = next_sitting(QUICK, run, 100)
    assert (turn.cell.scenario, turn.number) == ("mixed", 5)
    assert [one.name for one in turn.contenders] == [BASELINE, CONTROL, "async-loop", "async-native"]
    assert next_sitting(QUICK, run, 1) == [], "none fits into a second"
    assert next_sitting(QUICK, empty, 100) == [], "all are narrow"


def test_questions_of_a_kind_of_database_share_their_servers() -> None:
    """Those of the widest come first, others on its database with them, those on another kind in a later sitting."""
    costs = {**PAIR, "async-loop": 0.004, "async-native": 0.004}
    widest = run_of([cell("none", "noop", LOAD, costs)], scatter=0.8)
    other = run_of([cell("sqlite", "read", LOAD, costs), cell(*MIXED, costs)], scatter=0.3)
    run = replace(widest, header=replace(widest.header, cells=widest.header.cells + other.header.cells))
    run.trials += other.trials
    turns = next_sitting(QUICK, run, 100)
    assert [turn.cell.scenario for turn in turns] == ["noop", "read"]
    enough = sitting_seconds(turns)
    assert [turn.cell.scenario for turn in next_sitting(QUICK, run, enough - 0.01)] == ["noop"]


def test_only_who_is_needed_takes_part_in_more_rounds() -> None:
    costs = {**PAIR, "async-documented": 0.004, "async-native": 0.004, "sync-threads-64": 0.004}
    run = run_of([cell("postgresql", "slow-50", Load(64), costs)], scatter=0.4)
    (turn,) = next_sitting(replace(QUICK, questions=("waits-native",)), run, 100)
    assert [one.name for one in turn.contenders] == ["async-native", "sync-threads-64"]


@pytest.mark.parametrize("failing", ["async-native", "sync-threads-64"])
def test_no_round_is_spent_on_who_fails(failing: str) -> None:
    run = run_of(
        [cell("postgresql", "slow-50", Load(64), {**PAIR, "async-native": 0.004, "sync-threads-64": 0.004})],
        scatter=0.4,
        failures=[Failure("postgresql", "slow-50", failing, "closed-64", Problem("timeout"))],
    )
    assert next_sitting(replace(QUICK, questions=("waits-native",)), run, 100) == []


def test_effort_is_by_width_whatever_is_found() -> None:
    """An interval that leaves out 1 already, and one that does not, as wide: both get rounds."""
    for cost in (0.0045, 0.004):
        run = run_of([cell(*MIXED, {**PAIR, "async-native": cost})], scatter=0.15)
        assert next_sitting(replace(QUICK, questions=("ordinary-native",)), run, 100)


def test_a_question_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    added = Question("loop-reads", "Reads, PostgreSQL, loop", "postgresql", "read", LOAD, "async-loop")
    monkeypatch.setitem(QUESTIONS, added.name, added)
    run = run_of([cell("postgresql", "read", LOAD, {**PAIR, "async-loop": 0.006})])
    (answer,) = answers(results(run), list(QUESTIONS.values()))
    assert (answer.question, answer.verdict) == (added, Verdict.WORSE)
