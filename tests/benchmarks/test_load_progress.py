"""What is said while the load benchmark runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.raw.load import Load, LoadCell
from benchmarks.report.comparisons import comparisons
from benchmarks.subjects.profiles import PROFILES
from benchmarks.under_load.progress import LoadProgress
from benchmarks.under_load.runner import RunPlan

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
