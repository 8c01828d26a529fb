"""What disturbed a run: every limit from both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.analysis import validity
from benchmarks.load import Histogram
from benchmarks.raw.load import Load, LoadCell
from benchmarks.report.comparisons import comparisons
from benchmarks.report.trust import trust

from .report_data import run_of, slices

STEAL, GENERATOR = "time that the host gave to others", "generator, share of a core"
LATE, SERVER = "open loop: lateness of the generator, p99", "open loop: server, share of a core"
ERRORS, LOST = "wrong or missing answers in a trial", "writes lost or made up in a trial"


@pytest.mark.parametrize(
    ("label", "most", "beyond", "change"),
    [
        (STEAL, 0.051, 1, {"slices": slices(4.0, 1.0, answered=500, steal=0.051)}),
        (STEAL, validity.STEAL, 0, {"slices": slices(4.0, 1.0, answered=500, steal=validity.STEAL)}),
        (GENERATOR, 0.81, 1, {"generator_cpu": 0.81}),
        (GENERATOR, validity.GENERATOR_CPU, 0, {"generator_cpu": validity.GENERATOR_CPU}),
        (LATE, 5.5, 1, {"lateness": Histogram.of([1e-5] * 490 + [0.0055] * 10)}),
        (LATE, 4.8, 0, {"lateness": Histogram.of([1e-5] * 490 + [0.0048] * 10)}),
        (SERVER, 0.96, 1, {"slices": slices(5.0, 4.8, answered=500)}),
        (SERVER, 0.94, 0, {"slices": slices(5.0, 4.7, answered=500)}),
        (ERRORS, 3, 1, {"errors": {"timeout": 1, "status": 2}}),
        (ERRORS, 0, 0, {"errors": {"timeout": 0}}),
        (LOST, 1, 1, {"stored": 599, "acknowledged": 600}),
        (LOST, 1, 1, {"stored": 601, "acknowledged": 600}),
        (LOST, 0, 0, {"stored": 600, "acknowledged": 600}),
    ],
)
def test_what_is_beyond_a_limit_is_counted_and_what_reaches_it_is_not(
    label: str, most: float, beyond: int, change: dict[str, Any]
) -> None:
    run = run_of([LoadCell("postgresql", "read", Load(64, 60), 2, 5.0, 1, ("sync-threads", "async-native"))])
    run.trials[1] = replace(run.trials[1], **change)
    (found,) = [one for one in trust(run, comparisons(run)).disturbances if one.label == label]
    assert found.most == pytest.approx(most, rel=0.02)
    assert found.beyond == beyond
