"""Conclusions against runs, and how findings are drawn."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from benchmarks.analysis.estimate import Estimate
from benchmarks.analysis.verdict import Finding, judge
from benchmarks.report.charts import FILLS, Bar, Dot, Point, Square, bars, dots, grid, kind, lines
from benchmarks.report.claims import Claim, Kind, Outcome, Say, hold, outcome
from benchmarks.report.comparisons import comparisons

from .report_data import few_cells, run_of


def finding(low: float, high: float) -> Finding:
    estimate = Estimate((low * high) ** 0.5, low, high, 100, 3)
    return Finding(estimate, judge(estimate))


FAILS, UNMEASURED = Finding(problem="500"), Finding()


@pytest.mark.parametrize(
    ("said", "low", "high", "found", "expected"),
    [
        ("better", 0.8, 0.95, finding(0.85, 0.90), Outcome.CONFIRMS),
        ("better", 0.8, 0.95, finding(0.92, 0.99), Outcome.OPEN),  # 0.954: better, but not by as much
        ("better", 0.8, 0.9, finding(0.92, 0.99), Outcome.CONTRADICTS),
        ("better", 0.0, 9.0, finding(0.90, 1.10), Outcome.OPEN),
        ("better", 0.0, 9.0, finding(0.98, 1.02), Outcome.CONTRADICTS),
        ("worse", 0.0, 9.0, finding(0.85, 0.90), Outcome.CONTRADICTS),
        ("worse", 2.0, 3.0, finding(2.2, 2.6), Outcome.CONFIRMS),
        ("same", 0.0, 9.0, finding(0.98, 1.02), Outcome.CONFIRMS),
        ("no better", 0.0, 9.0, finding(0.90, 1.10), Outcome.CONFIRMS),
        ("no better", 0.0, 9.0, finding(0.85, 0.90), Outcome.CONTRADICTS),
        ("no worse", 0.9, 1.1, finding(1.10, 1.20), Outcome.CONTRADICTS),
        ("no better", 0.0, 0.95, finding(0.96, 1.10), Outcome.CONTRADICTS),
        ("no worse", 0.9, 1.0, finding(0.98, 1.06), Outcome.OPEN),
        ("fails", 0.0, 9.0, FAILS, Outcome.CONFIRMS),
        ("fails", 0.0, 9.0, finding(2.0, 3.0), Outcome.CONTRADICTS),
        ("better", 0.0, 9.0, FAILS, Outcome.CONTRADICTS),
        ("no better", 0.0, 9.0, FAILS, Outcome.CONFIRMS),
        ("same", 0.0, 9.0, UNMEASURED, Outcome.ABSENT),
    ],
)
def test_what_a_run_says_of_a_conclusion(said: Kind, low: float, high: float, found: Finding, expected: Outcome) -> None:
    assert outcome(Say("async-native", said, "cpu", "postgresql", "read", low, high), found) is expected


def test_a_claim_is_no_better_than_the_worst_of_what_it_says() -> None:
    right = Say("async-native", "better", "cpu", "postgresql", "read", load="closed-8")
    wrong = Say("async-native", "same", "throughput", "postgresql", "slow-50", load="closed-128", against="sync-threads-64")
    found = comparisons(run_of(few_cells(3)))
    assert hold(Claim("Right.", (right,)), found).outcome is Outcome.CONFIRMS
    both = hold(Claim("Both.", (right, wrong)), found)
    assert both.outcome is Outcome.CONTRADICTS
    assert both.complaint.startswith(
        "“Both.” async-native against sync-threads-64, PostgreSQL, slow-50, closed-128, requests/s: it says same"
    )
    assert "the run says better 1." in both.complaint
    absent = Say("async-native", "same", "cpu", "sqlite", "read")
    assert hold(Claim("None.", (absent,)), found).outcome is Outcome.ABSENT
    in_part = hold(Claim("In part.", (right, absent)), found)
    assert in_part.outcome is Outcome.CONFIRMS
    assert in_part.complaint == ("“In part.” async-native, SQLite, read, CPU a request: it says same, the run says nothing -"), (
        "of the published run all has to be measured"
    )
    assert not hold(Claim("Right.", (right,)), found).complaint


@pytest.fixture(scope="module")
def pictures() -> dict[str, str]:
    """One of each kind, as SVG."""
    squares = [Square.of("r", "c", FAILS), Square.of("r", "d", finding(0.8, 0.9)), Square.of("r", "e", UNMEASURED)]
    return {
        "grid": grid("a & b", squares),
        "dots": dots("t", "x", [Dot.of("g", "n", finding(1.2, 1.4)), Dot.of("g", "m", FAILS)]),
        "lines": lines("t", "x", "y", [Point("p", "n", "1", 2.0, 1.0, 3.0), Point("p", "n", "8", 3.0, 2.0, 4.0)]),
        "bars": bars("t", "x", [Bar("p", "n", "a", 1.0), Bar("p", "n", "b", 2.0)]),
    }


@pytest.mark.parametrize("name", ["grid", "dots", "lines", "bars"])
def test_pictures_are_drawn_alike_in_light_and_dark_and_outside_browsers(pictures: dict[str, str], name: str) -> None:
    """Sound XML, a ground of their own, every colour an attribute."""
    tree = ElementTree.fromstring(pictures[name])
    assert "var(" not in pictures[name]
    assert "<style" not in pictures[name]
    ground = next(one for one in tree.iter() if one.tag.endswith("rect"))
    assert (ground.get("width"), ground.get("fill")) == (tree.get("width"), "white")
    assert float(tree.get("width") or 0) <= 640


def test_what_fails_is_the_loudest_and_what_is_undecided_the_quietest(pictures: dict[str, str]) -> None:
    def contrast(colour: str) -> float:
        return 255 - sum(int(colour[place : place + 2], 16) for place in (1, 3, 5)) / 3

    assert max(FILLS, key=lambda one: contrast(FILLS[one])) == "fails"
    assert contrast(FILLS["undecided"]) == 0 < contrast(FILLS["same"]) < contrast(FILLS["better"])
    assert [kind(one) for one in (FAILS, UNMEASURED, finding(0.9, 1.1), finding(0.9, 0.99))] == [
        "fails",
        "",
        "undecided",
        "better",
    ]
    assert ">✗<" in pictures["grid"]
    assert ">✗ fails<" in pictures["dots"]


def test_a_legend_has_only_what_is_drawn(pictures: dict[str, str]) -> None:
    words = re.findall(r">(better|worse|same|undecided)<", pictures["dots"])
    assert words == ["worse"]
    assert ">3.00<" in pictures["bars"], "the sum of the parts"
