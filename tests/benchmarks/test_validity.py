"""What makes a trial doubtful: every limit from both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.analysis import validity
from benchmarks.analysis.validity import LIMITS, Flag, flags
from benchmarks.load import Histogram
from benchmarks.raw.load import LoadTrial
from tests.benchmarks.report_data import slices

CLEAN = LoadTrial(
    round=1,
    database="postgresql",
    scenario="create",
    load="open-60",
    contender="async-native",
    connections=64,
    rate=100.0,
    slices=slices(4.0, 1.0, answered=500, database_cpu=0.5, steal=0.01),
    latency={"create": Histogram.of([0.004] * 500)},
    errors={},
    examples={},
    lateness=Histogram.of([1e-5] * 500),
    acknowledged=600,
    stored=600,
    server_user=0.8,
    server_system=0.2,
    server_memory=2**20,
    server_threads=3,
    database_connections=4,
    generator_cpu=0.2,
    start_seconds=1.0,
)


def test_a_clean_trial_has_no_flags() -> None:
    assert flags(CLEAN) == []
    assert flags(replace(CLEAN, acknowledged=None, stored=None, lateness=Histogram())) == []


@pytest.mark.parametrize(
    ("kind", "value", "change"),
    [
        ("steal", 0.051, {"slices": slices(4.0, 1.0, steal=0.051)}),
        ("generator busy", 0.81, {"generator_cpu": 0.81}),
        ("generator late", 0.0055, {"lateness": Histogram.of([1e-5] * 490 + [0.0055] * 10)}),
        ("generator late", 0.00045, {"lateness": Histogram.of([0.00045] * 500)}),
        ("few requests", 99, {"latency": {"create": Histogram.of([0.004] * 99)}}),
        ("errors", 3, {"errors": {"timeout": 1, "status": 2}}),
        ("lost writes", 1, {"stored": 599}),
        ("lost writes", -1, {"stored": 601}),
    ],
)
def test_each_flag_names_its_limit(kind: str, value: float, change: dict[str, Any]) -> None:
    (flag,) = flags(replace(CLEAN, **change))
    assert flag.kind == kind
    assert flag.value == pytest.approx(value, rel=0.02)
    assert kind in LIMITS


@pytest.mark.parametrize(
    "change",
    [
        {"slices": slices(4.0, 1.0, steal=validity.STEAL)},
        {"generator_cpu": validity.GENERATOR_CPU},
        {"lateness": Histogram.of([1e-5] * 490 + [0.0048] * 10)},
        {"lateness": Histogram.of([0.00038] * 500)},
        {"latency": {"create": Histogram.of([0.004] * 100)}},
        {"errors": {"timeout": 0}},
    ],
)
def test_up_to_the_limit_is_no_flag(change: dict[str, Any]) -> None:
    assert flags(replace(CLEAN, **change)) == []


def test_a_trial_without_an_answer_is_flagged_and_not_a_crash() -> None:
    empty = replace(CLEAN, latency={}, errors={"timeout": 64}, acknowledged=0, stored=0)
    assert flags(empty) == [Flag("few requests", 0), Flag("errors", 64)]
