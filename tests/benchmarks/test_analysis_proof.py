"""The promises, on slices that were recorded: 12 rounds of 40 passes over three servers that are the same, and a fourth.

PostgreSQL, `read`, 8 connections, slices of 0.04 s and the wait for the last answers, 4 threads (`native`: one event loop), on
two cores that other jobs loaded too. `cpu` and `seconds` are seconds, `answered` counts.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.analysis.calibration import calibrate
from benchmarks.analysis.estimate import contrast, spread
from benchmarks.analysis.proof import Experiment, Figures, all_figures, figures, is_false, recorded
from benchmarks.analysis.robust import autocorrelation
from benchmarks.analysis.series import log_ratios
from benchmarks.analysis.slices import CPU, THROUGHPUT, Floats, Slices
from benchmarks.analysis.verdict import Verdict, judge

ALIKE = ("baseline", "control", "replicate")
RUNS = 300


@pytest.fixture(scope="module")
def rounds() -> list[dict[str, Slices]]:
    read = json.loads((Path(__file__).parent / "data" / "slices.json").read_text())
    return [
        {name: Slices.of({**columns, "turn": range(40), "server_cpu": columns["cpu"]}) for name, columns in one.items()}
        for one in read
    ]


@pytest.fixture(scope="module")
def record(rounds: list[dict[str, Slices]]) -> list[Floats]:
    return recorded(rounds, ALIKE, CPU)


@pytest.fixture(scope="module")
def usual(record: list[Floats]) -> Figures:
    return figures(record, Experiment(), RUNS)


def test_what_was_recorded(rounds: list[dict[str, Slices]]) -> None:
    cell = [[log_ratios(one[name], [one["baseline"], one["control"]], CPU) for one in rounds] for name in ("native", "replicate")]
    cell.append([log_ratios(one["control"], [one["baseline"]], CPU) for one in rounds])
    native, replicate, control = (contrast([each], spreads=[spread(cell)]) for each in cell)
    assert [judge(one) for one in (native, replicate, control)] == [Verdict.BETTER, Verdict.SAME, Verdict.SAME]
    assert calibrate([control]).factor == 1
    assert (native.slices, native.restarts) == (480, 12)
    centred = [logs[0] - logs[0].mean() for logs in cell[2]]
    assert -0.3 < autocorrelation(centred) < 0.1


def test_intervals_contain_the_truth_and_verdicts_are_right(usual: Figures) -> None:
    assert usual.runs == RUNS
    assert 0.93 <= usual.coverage <= 0.985
    assert usual.false <= 0.05
    assert usual.same >= 0.8
    assert usual.decided == pytest.approx(usual.same)


@pytest.mark.parametrize("effect", [1.1, 1 / 1.1])
def test_a_tenth_is_found(record: list[Floats], effect: float) -> None:
    found = figures(record, Experiment(effect=effect), RUNS)
    assert found.decided >= 0.9
    assert (found.false, found.same) == (0, 0)
    assert 0.93 <= found.coverage <= 0.985


@pytest.mark.parametrize("scatter", [0.02, 0.04])
def test_servers_that_differ_from_restart_to_restart(record: list[Floats], scatter: float) -> None:
    """It is the restarts' scatter that the interval then rests on."""
    found = figures(record, Experiment(passes=96, scatter=scatter), RUNS)
    assert 0.93 <= found.coverage <= 0.985
    assert found.false <= 0.06


def test_throughput_keeps_its_promise_too(rounds: list[dict[str, Slices]]) -> None:
    found = figures(recorded(rounds, ALIKE, THROUGHPUT), Experiment(), RUNS)
    assert 0.93 <= found.coverage <= 0.99
    assert found.false <= 0.05


def test_to_stop_on_width_is_no_cheating(record: list[Floats]) -> None:
    found = figures(record, Experiment(10, stops=True), RUNS)
    assert found.coverage >= 0.93
    assert found.false <= 0.05
    assert found.decided >= 0.95


def test_all_figures_come_one_by_one(record: list[Floats], usual: Figures) -> None:
    experiments = [Experiment(), Experiment(effect=1.5)]
    found = list(all_figures(record, RUNS, experiments))
    assert [experiment for experiment, _ in found] == experiments
    assert found[0][1] == usual


def test_what_is_false() -> None:
    truths = (0.9, 0.97, 1.0, 1.03, 1.1)
    false = {verdict: [is_false(verdict, truth) for truth in truths] for verdict in Verdict}
    assert false == {
        Verdict.BETTER: [False, True, True, True, True],
        Verdict.SLIGHTLY_BETTER: [False, False, True, True, True],
        Verdict.SAME: [True, False, False, False, True],
        Verdict.SLIGHTLY_WORSE: [True, True, True, False, False],
        Verdict.WORSE: [True, True, True, True, False],
        Verdict.UNDECIDED: [False] * 5,
    }


def test_three_servers_at_least(record: list[Floats]) -> None:
    with pytest.raises(ValueError):
        figures([logs[:2] for logs in record], Experiment(), 1)
    assert np.isfinite(record).all()
