"""Two runs side by side: simulated runs of known effect, who fails, and the command."""

from __future__ import annotations

import copy
import json
import math
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy

from benchmarks.analysis.compare import Change, Place, Run, compare, load_findings, micro_findings, scatter
from benchmarks.analysis.estimate import Estimate
from benchmarks.analysis.verdict import Verdict
from benchmarks.cli import main
from benchmarks.errors import BenchmarkError
from benchmarks.load import Histogram
from benchmarks.raw import Recorder, ResultsError, instructions, load, micro
from benchmarks.raw.problem import Problem
from tests.benchmarks.report_data import record, slices

ROUNDS = 12
SIMULATIONS = 200
ENVIRONMENT = {"python": "CPython 3.11.7", "cpu": "x", "cores": 2, "packages": {"flask": "3.1.3"}}


def micro_run(values: Mapping[str, Sequence[float]], problem: str | None = None, **changes: Any) -> micro.MicroRun:
    """One scenario on one database, in which wall and CPU time are the same; `problem` is of native."""
    group = micro.Group("sqlite", "read", "read one book", 8, "request", tuple(values), "sync", "sync-aa")
    header = micro.MicroHeader("now", "", 0, ROUNDS, 0.1, 2_000, {"sqlite": {"version": "3"}}, (group,), {}, {}, ENVIRONMENT)
    trials = [
        micro.MicroTrial(number, "sqlite", "read", contender, 8, value, value)
        for contender, found in values.items()
        for number, value in enumerate(found, 1)
    ]
    checks = [micro.MicroCheck("sqlite", "native", "read", problem)]
    return micro.MicroRun(replace(header, **changes), checks, trials)


def load_run(values: Mapping[str, Sequence[float]], name: str) -> load.LoadRun:
    """One scenario under one load: 1,000 requests a second take `values` milliseconds of CPU and latency each."""
    kind, _, size = name.partition("-")
    chosen = load.Load(int(size)) if kind == "closed" else load.Load(32, int(size))
    cell = load.LoadCell("sqlite", "read", chosen, max(map(len, values.values())), 5.0, 2, tuple(values))
    header = load.LoadHeader(
        *("now", "", "quick", 0, 10_000, 1.0, (cell,), "sync-threads", "sync-threads-aa", {}, {}, {}, {}, ENVIRONMENT, {})
    )
    facts: dict[str, Any] = {
        "database": "sqlite",
        "scenario": "read",
        "load": name,
        "connections": 32,
        "rate": None,
        "errors": {},
        "examples": {},
        "lateness": Histogram(),
        "acknowledged": None,
        "stored": None,
        "server_user": 0.0,
        "server_system": 0.0,
        "server_memory": 1,
        "server_threads": 1,
        "database_connections": None,
        "generator_cpu": 0.1,
        "start_seconds": 1.0,
    }
    trials = [
        load.LoadTrial(
            round=number,
            contender=contender,
            latency={"read": Histogram.of([value / 1000] * round(5000 / value))},
            slices=slices(5.0, value / 1000 * round(5000 / value), answered=round(5000 / value)),
            **facts,
        )
        for contender, found in values.items()
        for number, value in enumerate(found, 1)
    ]
    return load.LoadRun(header, trials=trials)


def exact_run(counts: Mapping[str, Sequence[float]], problem: str | None = None) -> instructions.InstructionRun:
    """Instructions of one scenario; a contender without counts has the problem."""
    cells = [
        instructions.InstructionCell("sqlite", "read", contender, 16, found, {}, {}, None if found else problem)
        for contender, found in counts.items()
    ]
    planned = tuple(("sqlite", "read", contender) for contender in counts)
    header = instructions.InstructionHeader("now", "", 2, 2_000, planned, "sync", {}, {}, {}, {}, {}, ENVIRONMENT)
    return instructions.InstructionRun(header, cells)


def noisy(random: np.random.Generator, native: float = 1.0, *, scatter: float = 0.03, machine: float = 1.0) -> micro.MicroRun:
    """A run in which native costs `native` times as much as sync; rounds are good or bad for all alike, by half and double."""
    rounds = machine * np.exp(random.normal(0, 0.3, ROUNDS))
    costs = {"sync": 1.0, "sync-aa": 1.0, "native": native}
    return micro_run({name: (cost * rounds * np.exp(random.normal(0, scatter, ROUNDS))).tolist() for name, cost in costs.items()})


def native(old: Run, new: Run) -> Change:
    """What became of native in the first quantity."""
    return next(change for change in compare(old, new).changes if change.place.contender.endswith("native"))


def test_the_interval_is_welchs() -> None:
    random = np.random.default_rng(0)
    base, old, new = [1.0] * 9, np.exp(random.normal(0, 0.1, 5)), np.exp(random.normal(0.2, 0.4, 9))
    runs = [micro_run({"sync": base[: len(values)], "native": values.tolist()}) for values in (old, new)]
    found = native(*runs).change
    theirs = scipy.stats.ttest_ind(np.log(new), np.log(old), equal_var=False).confidence_interval()
    assert found
    assert (math.log(found.low), math.log(found.high)) == pytest.approx((theirs.low, theirs.high))


@pytest.mark.parametrize("scatter", [0.02, 0.06, 0.15])
def test_the_same_again_is_called_slower_in_at_most_5_of_100(scatter: float) -> None:
    random = np.random.default_rng(2)
    found = [native(noisy(random, scatter=scatter), noisy(random, scatter=scatter, machine=3)) for _ in range(SIMULATIONS)]
    assert sum(change.verdict.broadly == "worse" for change in found) <= 0.05 * SIMULATIONS
    assert sum(change.verdict.broadly == "better" for change in found) <= 0.05 * SIMULATIONS


@pytest.mark.parametrize(
    ("factor", "scatter", "expected"),
    [(1.15, 0.03, Verdict.WORSE), (1 / 1.15, 0.03, Verdict.BETTER), (1.0, 0.01, Verdict.SAME), (1.6, 0.1, Verdict.WORSE)],
)
def test_a_known_effect_gets_its_verdict_in_95_of_100(factor: float, scatter: float, expected: Verdict) -> None:
    random = np.random.default_rng(3)
    found = [
        native(noisy(random, 1.3, scatter=scatter), noisy(random, 1.3 * factor, scatter=scatter, machine=0.4))
        for _ in range(SIMULATIONS)
    ]
    assert sum(change.verdict is expected for change in found) >= 0.95 * SIMULATIONS


def test_the_run_that_is_less_certain_of_its_control_widens() -> None:
    """In ten scenarios the control of one run costs 10 % more than the baseline, though both hardly scatter."""
    calm, odd = (many_scenarios(aa) for aa in (1.0, 1.1))
    (quiet, *_), (loud, *_), (loudest, *_) = (compare(*runs).changes for runs in ((calm, calm), (calm, odd), (odd, calm)))
    assert quiet.change
    assert loud.change
    assert loudest.change
    assert loud.change.half_width == loudest.change.half_width > 2 * quiet.change.half_width


def many_scenarios(aa: float) -> micro.MicroRun:
    run = micro_run({name: [cost * one for one in (0.99, 1.0, 1.01)] for name, cost in {"sync-aa": aa, "native": 1.0}.items()})
    base = micro_run({"sync": [1.0, 1.0, 1.0]})
    group = replace(run.header.groups[0], contenders=("sync", "sync-aa", "native"))
    names = [f"read-{number}" for number in range(10)]
    header = replace(run.header, groups=tuple(replace(group, scenario=name) for name in names))
    return micro.MicroRun(header, trials=[replace(one, scenario=name) for name in names for one in (*base.trials, *run.trials)])


def test_rounds_that_one_of_the_two_has_not_are_left_out() -> None:
    run = micro_run({"sync": [1, 2, 4], "sync-aa": [1, 2, 4], "native": [2, 4]})
    found = micro_findings(run).series
    assert [place.quantity for place in found] == ["wall", "cpu"]
    assert [[float(one[0, 0]) for one in series.logs] for series in found.values()] == [[math.log(2)] * 2] * 2


@pytest.mark.parametrize("value", [-1, 2**70, 10**400, None, "x", {}], ids=lambda value: str(value)[:9])
def test_a_file_with_a_wrong_value_is_refused_or_compared(tmp_path: Path, value: object) -> None:
    names = ("sync-threads", "sync-threads-aa", "async-native")
    whole, path = load_run({name: [1.0, 1.1] for name in names}, "closed-8"), tmp_path / "load.jsonl"
    record(path, whole)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    refused = 0
    for number in {line["line"]: number for number, line in enumerate(lines)}.values():
        for where in list(places_of(lines[number])):
            *way, last = where
            inner = changed = copy.deepcopy(lines[number])
            for step in way:
                inner = inner[step]
            inner[last] = value
            path.write_text("".join(json.dumps(line) + "\n" for line in (*lines[:number], changed, *lines[number + 1 :])))
            try:
                compare(whole, load.read(path))
            except ResultsError:
                refused += 1
            except BenchmarkError:
                pass  # it has nothing in common with the other any more
    assert refused > 20


def places_of(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Of all values, and the first ones of lists."""
    inner = value.items() if isinstance(value, dict) else [(0, value[0])] if isinstance(value, list) and value else ()
    for step, one in inner:
        yield from places_of(one, (*where, step))
    if not inner:
        yield where


@pytest.mark.parametrize(("name", "quantities"), [("closed-32", ["cpu", "throughput"]), ("open-60", ["cpu", "p50", "p99"])])
def test_load_is_compared_by_what_it_decides(name: str, quantities: list[str]) -> None:
    quick, slow = ([1.0, 1.01, 1.02, 1.0], [1.5, 1.51, 1.53, 1.5])
    old = load_run({"sync-threads": quick, "sync-threads-aa": quick, "async-native": quick}, name)
    new = load_run({"sync-threads": quick, "sync-threads-aa": quick, "async-native": slow}, name)
    assert list(load_findings(old).series) == [Place("sqlite", "read", name, "async-native", quantity) for quantity in quantities]
    assert {change.verdict for change in compare(old, new).changes} == {Verdict.WORSE}  # throughput falls, the others rise
    assert {change.verdict for change in compare(new, old).changes} == {Verdict.BETTER}
    throughput = [change.new for change in compare(old, new).changes if change.place.quantity == "throughput"]
    assert throughput == ([pytest.approx(2 / 3, rel=0.01)] if name == "closed-32" else [])


def test_who_fails_under_one_load_is_compared_under_the_others() -> None:
    values = {name: [1.0, 1.01, 1.02, 1.0] for name in ("sync-threads", "sync-threads-aa", "async-native")}
    old, new = (both(load_run(values, "closed-8"), load_run(values, "closed-128")) for _ in range(2))
    new.trials = [one for one in new.trials if (one.contender, one.load) != ("async-native", "closed-128")]
    new.failures.append(load.Failure("sqlite", "read", "async-native", "closed-128", Problem("timeout")))
    comparison = compare(old, new)
    found = {(one.place.load, one.place.quantity): (str(one.verdict), one.problem) for one in comparison.changes}
    assert found == {
        ("closed-8", "cpu"): ("same", None),
        ("closed-8", "throughput"): ("same", None),
        ("closed-128", ""): ("worse", "timeout"),
    }
    assert (comparison.only_old, comparison.only_new) == (0, 0)


def both(one: load.LoadRun, other: load.LoadRun) -> load.LoadRun:
    header = replace(one.header, cells=(*one.header.cells, *other.header.cells))
    return load.LoadRun(header, trials=[*one.trials, *other.trials])


@pytest.fixture(scope="module")
def recorded() -> list[list[load.LoadTrial]]:
    """12 rounds of real servers, three of which are the same; see test_analysis_proof.py."""
    names = {"baseline": "sync-threads", "control": "sync-threads-aa", "replicate": "same", "native": "async-native"}
    rounds = json.loads((Path(__file__).parent / "data" / "slices.json").read_text())
    [plain, *_] = load_run({"sync-threads": [1.0]}, "closed-8").trials
    return [
        [
            replace(
                plain,
                contender=names[name],
                slices=slices_of(range(40), seconds=one["seconds"], answered=one["answered"], server_cpu=one["cpu"]),
            )
            for name, one in found.items()
        ]
        for found in rounds
    ]


def slices_of(turn: Sequence[int], **columns: Sequence[float]) -> load.SliceColumns:
    """One a pass, with nothing in the other columns."""
    none = [0.0] * len(turn)
    empty = {"turns": [1] * len(turn), "began": none, "switches": None, "database_cpu": None, "steal": none}
    return load.SliceColumns.from_json({"turn": turn, **empty, **columns})


def half(rounds: Sequence[Sequence[load.LoadTrial]], chosen: Mapping[str, Sequence[int]]) -> load.LoadRun:
    """A run of as many scenarios, each of which has the chosen rounds."""
    trials = [
        replace(trial, scenario=scenario, round=number)
        for scenario, places in chosen.items()
        for number, place in enumerate(places, 1)
        for trial in rounds[place]
    ]
    run = load_run({trial.contender: [1.0] for trial in rounds[0]}, "closed-8")
    cell = replace(run.header.cells[0], rounds=6, slices=40)
    return load.LoadRun(replace(run.header, cells=tuple(replace(cell, scenario=one) for one in chosen)), trials=trials)


def halves(rounds: Sequence[Sequence[load.LoadTrial]], random: np.random.Generator) -> tuple[load.LoadRun, load.LoadRun]:
    """Of four scenarios, of each of which either run has six of the twelve rounds."""
    orders = {f"read-{number}": random.permutation(12) for number in range(4)}
    old, new = ({name: order[side].tolist() for name, order in orders.items()} for side in (slice(6), slice(6, 12)))
    return half(rounds, old), half(rounds, new)


def test_two_halves_of_a_run_do_not_differ(recorded: list[list[load.LoadTrial]]) -> None:
    """Of 16 comparisons 0.8 may seem to, slightly; hardly ever any stands."""
    random = np.random.default_rng(5)
    found = [compare(*halves(recorded, random)) for _ in range(20)]
    assert {len(one.changes) for one in found} == {16}
    assert not any(one.changed for one in found)
    verdicts = [change.verdict for one in found for change in one.changes]
    assert sum(one.broadly in ("better", "worse") for one in verdicts) <= 0.05 * 16 * 20


def test_a_change_of_one_among_many_stands(recorded: list[list[load.LoadTrial]]) -> None:
    old, new = halves(recorded, np.random.default_rng(6))
    slower = [costlier(one, 1.2) if (one.contender, one.scenario) == ("async-native", "read-3") else one for one in new.trials]
    [worse] = compare(old, replace(new, trials=slower)).changed
    assert worse.place == Place("sqlite", "read-3", "closed-8", "async-native", "cpu")
    assert worse.verdict is Verdict.WORSE


def test_what_moves_a_whole_run_is_no_change_of_its_contenders(recorded: list[list[load.LoadTrial]]) -> None:
    """In each run every contender takes another share more or less CPU in every scenario, 10 %: hardly any change stands."""
    random = np.random.default_rng(7)
    found = [compare(*(shaken(one, random) for one in halves(recorded, random))) for _ in range(6)]
    factors = {name: statistics.median(one.factors[name] for one in found) for name in ("cpu", "throughput")}
    assert factors["cpu"] > 2 > 1.2 > factors["throughput"]
    cpu = [change for one in found for change in one.changes if change.place.quantity == "cpu"]
    assert sum(change.verdict.broadly in ("better", "worse") for change in cpu) <= 0.15 * len(cpu)
    assert sum(change.stands for change in cpu) <= 0.02 * len(cpu)


def shaken(run: load.LoadRun, random: np.random.Generator) -> load.LoadRun:
    """All but baseline and control, which tell that the intervals of the run keep their promise."""
    places = sorted({(one.contender, one.scenario) for one in run.trials if not one.contender.startswith("sync")})
    factors = dict(zip(places, np.exp(random.normal(0, 0.1, len(places))), strict=True))
    return replace(run, trials=[costlier(one, factors.get((one.contender, one.scenario), 1.0)) for one in run.trials])


def costlier(trial: load.LoadTrial, factor: float) -> load.LoadTrial:
    return replace(trial, slices=replace(trial.slices, server_cpu=[factor * cpu for cpu in trial.slices.server_cpu]))


def changes_of(logs: Sequence[float], half: float = 0.05) -> list[Estimate]:
    return [Estimate(math.exp(log), math.exp(log - half), math.exp(log + half), 60, 3) for log in logs]


def test_scatter_is_what_most_changes_show_about_their_middle() -> None:
    far = scipy.stats.norm.ppf(np.linspace(0.01, 0.99, 99), scale=3 * 0.05 / scipy.stats.norm.ppf(0.975)).tolist()
    assert scatter(changes_of(far)) == pytest.approx(3, rel=0.02)
    assert scatter(changes_of([one / 3 for one in far])) == pytest.approx(1, rel=0.02)
    assert scatter(changes_of([0.2 + one / 6 for one in far])) == 1  # all moved alike, and hardly scatter
    assert scatter(changes_of([0.0] * 8 + [0.5, 0.5, 0.5])) == 1  # some changed
    assert scatter(changes_of(far[::20])) == 1 == scatter([])  # too few to tell
    assert scatter([*changes_of([0.3] * 9, math.inf), *changes_of(far[:3])]) == 1  # without bounds


def test_another_day_is_said() -> None:
    fast, slow = (
        {name: [cost, cost * 1.01] for name in ("sync-threads", "sync-threads-aa", "async-native")} for cost in (1.0, 2.0)
    )
    old, new = load_run(fast, "closed-8"), load_run(slow, "closed-8")
    new = replace(new, header=replace(new.header, environment={**ENVIRONMENT, "load_before": 5.25}))
    old = replace(old, header=replace(old.header, environment={**ENVIRONMENT, "load_before": 0.25}))
    assert compare(old, new).differences == [
        "load average at the start: 0.2, then 5.2",
        "speed of the baseline: 0.50 of what it was",
    ]
    assert compare(old, old).differences == []


def test_a_contender_that_fails_now_is_worse() -> None:
    values = {"sync": [1.0, 1.1], "sync-aa": [1.0, 1.1], "native": [1.0, 1.1]}
    comparison = compare(micro_run(values), micro_run(values, "RuntimeError: it broke"))
    assert [(change.problem, change.new) for change in comparison.worse] == [("RuntimeError: it broke", None)]
    assert (len(comparison.changes), comparison.only_old) == (1, 0)
    with pytest.raises(BenchmarkError, match="in common"):
        compare(micro_run(values, "it broke before"), micro_run(values))


@pytest.mark.parametrize("name", ["sync-threads", "sync-threads-aa"])
def test_a_baseline_or_a_control_that_fails_now_is_worse(name: str) -> None:
    """It has no series of its own, and the contenders lose one of the two they are compared with."""
    values = {one: [1.0, 1.1] for one in ("sync-threads", "sync-threads-aa", "async-native")}
    old, new = (load_run(values, "closed-32") for _ in range(2))
    assert not compare(old, new).worse
    failure = load.Failure("sqlite", "read", name, "closed-32", Problem("no answer"))
    new.failures.append(failure)
    [found] = compare(old, new).worse
    assert (found.place.contender, found.problem, found.new) == (name, "no answer", None)
    old.failures.append(failure)
    assert not (compare(old, new).worse if name.endswith("aa") else [])


def test_a_baseline_in_process_that_fails_now_is_worse() -> None:
    old, new = (micro_run({"sync": [1.0, 1.1], "sync-aa": [1.0, 1.1], "native": [1.0, 1.1]}) for _ in range(2))
    new.checks.append(micro.MicroCheck("sqlite", "sync", "read", "no answer"))
    comparison = compare(old, new)
    assert [(change.place.contender, change.problem) for change in comparison.worse] == [("sync", "no answer")]
    assert comparison.only_old == 2


def test_a_p99_rests_on_as_many_requests_as_in_the_report() -> None:
    """3,000 in all rounds, of which a round has 500."""
    values = {name: [10.0] * 6 for name in ("sync-threads", "sync-threads-aa", "async-native")}
    places = {place.quantity for place in load_findings(load_run(values, "open-60")).series}
    assert places == {"cpu", "p50", "p99"}
    for few in ([10.0] * 5, [11.0] * 6):  # 2,500 in all, and 455 in a round
        values["async-native"] = few
        assert {place.quantity for place in load_findings(load_run(values, "open-60")).series} == {"cpu", "p50"}


def test_other_terms_are_said() -> None:
    values = {"sync-threads": [1.0, 1.1], "async-native": [1.0, 1.1]}
    old, new = (load_run(values, "open-60") for _ in range(2))
    cell = load.LoadCell("sqlite", "read", load.Load(32, 60), 2, 5.0, 4, ("sync-threads", "async-native"))
    old.header = replace(old.header, cells=(cell, replace(cell, scenario="list")))
    new.header = replace(new.header, cells=(replace(cell, seconds=2.5, slices=10),), warmup=0.4)
    old.rates, new.rates = ([load.Rate("sqlite", "read", capacity, "async-native")] for capacity in (408.1, 512.9))
    assert compare(old, new).differences == [
        "warm-up: 1 s, then 0.4 s",
        "read, sqlite, open-60: 5 s in 4 slices, then 2.5 s in 10 slices",
        "rate of read, sqlite: 408 requests a second, then 513 requests a second",
    ]
    once = micro_run({"sync": [1.0], "native": [1.0]})
    assert compare(once, replace(once, header=replace(once.header, seconds=0.2))).differences == ["trials: 0.1 s, then 0.2 s"]


def test_counts_are_judged_against_one_per_cent_and_by_all_of_them() -> None:
    old = exact_run({"sync": [100.0, 100.0], "native": [200.0, 201.0], "loop": [100.0, 104.0], "documented": [1.0]})
    new = exact_run({"sync": [102.0, 102.1], "native": [201.0, 200.5], "loop": [103.0, 103.0], "documented": []}, "it broke")
    found = {change.place.contender: change.verdict for change in compare(old, new).changes}
    assert found == {"sync": Verdict.WORSE, "native": Verdict.SAME, "loop": Verdict.UNDECIDED, "documented": Verdict.WORSE}
    assert native(old, new).change == Estimate(200.75 / 200.5, 200.5 / 201, 201 / 200, 2, 2)
    assert {change.verdict for change in compare(new, old).changes} == {Verdict.BETTER, Verdict.SAME, Verdict.UNDECIDED}


def test_cycles_are_compared_where_both_runs_have_them() -> None:
    old, new, without = (exact_run({"sync": [100.0], "native": [200.0]}) for _ in range(3))
    for run, cost in ((old, 400.0), (new, 440.0)):
        run.cells[1] = replace(run.cells[1], cycles=[cost, cost + 1])
    verdicts = {(one.place.contender, one.place.quantity): one.verdict for one in compare(old, new).changes}
    assert verdicts == {
        ("sync", "instructions"): Verdict.SAME,
        ("native", "instructions"): Verdict.SAME,
        ("native", "cycles"): Verdict.WORSE,
    }
    assert {one.place.quantity for one in compare(without, new).changes} == {"instructions"}


def test_what_only_one_has_and_what_differs_is_said() -> None:
    old, new = exact_run({"sync": [1.0], "loop": [1.0]}), exact_run({"sync": [1.0], "native": [1.0], "documented": [2.0]})
    new.header = replace(new.header, environment={**ENVIRONMENT, "python": "CPython 3.12.1", "packages": {}}, books=10)
    comparison = compare(old, new)
    assert (comparison.only_old, comparison.only_new) == (1, 2)
    assert comparison.differences == (
        ["books: 2000, then 10", "flask: 3.1.3, then none", "python: CPython 3.11.7, then CPython 3.12.1"]
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            exact_run({"sync": [1.0]}),
            micro_run({"sync": [1.0]}),
            "kind 'instructions' cannot be compared with one of kind 'micro'",
        ),
        (exact_run({"sync": [1.0]}), exact_run({"loop": [1.0]}), "no contender in common"),
    ],
)
def test_what_cannot_be_compared(old: Run, new: Run, words: str) -> None:
    with pytest.raises(BenchmarkError, match=words):
        compare(old, new)


def written(path: Path, run: instructions.InstructionRun | micro.MicroRun) -> str:
    """Its raw file."""
    recorder = Recorder(path)
    recorder.write(run.header)
    for cell in run.cells if isinstance(run, instructions.InstructionRun) else run.trials:
        recorder.write(cell)
    recorder.close()
    return str(path)


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run it in this process; the exit status."""
    monkeypatch.setattr(sys, "argv", ["benchmarks", "compare", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    old = written(tmp_path / "old", exact_run({"sync": [3_000_000.0], "native": [4_000_000.0]}))
    new = written(tmp_path / "new", exact_run({"sync": [3_000_000.0], "native": [4_100_000.0]}))
    assert command(monkeypatch, old, old) == 0
    assert "Not significant! 2 compared: 2 same." in capsys.readouterr().out
    assert command(monkeypatch, old, new) == 1
    output = capsys.readouterr().out
    [row] = [line.split() for line in output.splitlines() if "native" in line]
    assert row == ["read,", "sqlite", "native", "instructions,", "M", "4.000", "4.100", "1.025", "(1.025-1.025)", "costlier"]
    assert "2 compared: 1 same, 1 costlier." in output
    assert command(monkeypatch, new, old) == 0
    assert "2 compared: 1 cheaper, 1 same." in capsys.readouterr().out


def test_the_command_on_runs_by_the_clock(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    random = np.random.default_rng(4)
    old, new = (written(tmp_path / name, noisy(random, cost)) for name, cost in (("old", 1.0), ("new", 1.3)))
    assert command(monkeypatch, old, new) == 1
    assert "2 compared: 2 worse." in capsys.readouterr().out
    assert command(monkeypatch, old, old) == 0
    assert "Not significant! 2 compared" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "has no results yet"),
        ("no results\n", "is not a raw file of benchmark results"),
        ("[" * 100_000 + "\n", "is not a raw file of benchmark results"),
        (
            json.dumps({"line": "header", "kind": "other", "schema": 1}) + "\n",
            "is of kind 'other'; compared are load, micro, instructions",
        ),
        ('{"line": "header", "kind": [], "schema": 1}\n', "is of kind []; compared are load, micro, instructions"),
        (
            json.dumps({"line": "header", "kind": "micro", "schema": 99}) + "\n",
            "is of kind 'micro', schema 99; read here are 'micro', 1",
        ),
        (
            json.dumps({"line": "header", "kind": "load", "schema": load.LoadHeader.schema}) + "\n",
            "is not a raw file of benchmark results",
        ),
        (json.dumps({"line": "header", "kind": "instructions", "schema": 1}) + "\n", "is not a raw file of benchmark results"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str | None, words: str
) -> None:
    wrong, right = tmp_path / "wrong", written(tmp_path / "right", exact_run({"sync": [1.0]}))
    if text is not None:
        wrong.write_text(text)
    for files in ((str(wrong), right), (right, str(wrong))):
        assert command(monkeypatch, *files) == 2
        output, error = capsys.readouterr()
        assert output == ""
        assert error.startswith(f"Error: {wrong}")
        assert error.count("\n") == 1
        assert words in error


def test_runs_of_different_kinds_are_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    files = written(tmp_path / "a", exact_run({"sync": [1.0]})), written(tmp_path / "b", micro_run({"sync": [1.0]}))
    assert command(monkeypatch, *files) == 2
    assert capsys.readouterr().err.startswith("Error: a run of kind 'instructions' cannot be compared")
