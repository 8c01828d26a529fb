"""What is said while the load benchmark runs."""

from __future__ import annotations

import re
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from benchmarks.analysis.cells import results
from benchmarks.raw.load import Load, LoadCell
from benchmarks.report.comparisons import comparisons
from benchmarks.subjects.contenders import CONTENDERS
from benchmarks.subjects.profiles import PROFILES
from benchmarks.under_load.progress import LoadProgress
from benchmarks.under_load.runner import RunPlan
from benchmarks.under_load.trial import Round

from .report_data import run_of

NAMES = ("sync-threads", "sync-threads-aa", "async-loop")


@pytest.mark.parametrize("rounds", [1, 3])
def test_after_each_trial_the_ratio_is_that_of_the_report(capsys: pytest.CaptureFixture[str], rounds: int) -> None:
    run = run_of([LoadCell("postgresql", "read", Load(32), rounds, 5.0, 8, NAMES)])
    progress = LoadProgress(RunPlan(PROFILES["quick"], run.header.cells, 10_000, 0, Path("load.jsonl"), ""))
    progress.see(run)
    for name in NAMES:
        progress.see(next(one for one in run.trials if one.contender == name))
    base, again, loop = re.findall(r" us CPU(.*)", capsys.readouterr().err)
    row = comparisons(run)[0].row("async-loop")
    assert row
    estimate = row.findings["cpu"].estimate
    assert estimate
    width = f" +-{100 * estimate.half_width:.1f} %" if rounds > 1 else ""
    assert loop == f" ({estimate.ratio:.2f}{width} of sync-threads)"
    assert base == ""
    assert again.endswith(" of sync-threads)")


def test_a_round_for_a_question_shows_the_interval_that_the_question_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    pair = ("sync-threads-64", "async-native")
    run = run_of([LoadCell("postgresql", "slow-50", Load(64), 3, 5.0, 8, ("sync-threads", *pair))])
    progress = LoadProgress(RunPlan(PROFILES["quick"], run.header.cells, 10_000, 0, Path("load.jsonl"), ""))
    progress.see(run)
    progress.see(Round(3, run.header.cells[0], tuple(CONTENDERS[name] for name in pair), 0.4, 0))
    for name in pair:
        progress.see(next(one for one in run.trials if one.contender == name))
    estimate = results(run)[0].estimate("async-native", "cpu", ("sync-threads-64",))
    assert estimate
    shown = capsys.readouterr().err
    assert f" ({estimate.ratio:.2f} +-{100 * estimate.half_width:.1f} % of sync-threads-64)" in shown


@pytest.mark.parametrize(
    ("budget", "left"), [(270.0, "at most 4 min left"), (50.0, "at most 50 s left"), (inf, "about 0 s left")]
)
def test_the_time_left_is_what_the_questions_may_take_as_well(
    capsys: pytest.CaptureFixture[str], budget: float, left: str
) -> None:
    """Of a run whose planned rounds are all done."""
    run = run_of([LoadCell("postgresql", "read", Load(32), 3, 5.0, 8, NAMES)])
    profile = replace(PROFILES["quick"], budget=budget)
    progress = LoadProgress(RunPlan(profile, run.header.cells, 10_000, 0, Path("load.jsonl"), ""))
    progress.see(run)
    progress.see(Round(4, run.header.cells[0], tuple(CONTENDERS[name] for name in NAMES), 0.4, 0))
    assert f"round 4: postgresql read closed-32, {left}" in capsys.readouterr().err
