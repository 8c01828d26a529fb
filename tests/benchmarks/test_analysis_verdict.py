"""What intervals say: verdicts by the margin, the control's calibration, and what needs more slices."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.analysis.calibration import calibrate, false_verdicts
from benchmarks.analysis.estimate import Estimate
from benchmarks.analysis.verdict import NARROW, Verdict, judge


def interval(low: float, high: float) -> Estimate:
    return Estimate(math.sqrt(low * high), low, high, 100, 5)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.97, 1.03, "same"),
        (0.96, 0.99, "same"),
        (1.0, 1.0, "same"),
        (1 / 1.05, 1.05, "same"),
        (0.80, 0.90, "better"),
        (0.80, 0.96, "slightly better"),
        (0.90, 0.999, "slightly better"),
        (0.90, 1.001, "undecided"),
        (0.94, 1.06, "undecided"),
        (1.0, 1.06, "undecided"),
        (1.01, 1.06, "slightly worse"),
        (1.06, 9.0, "worse"),
        (0.0, math.inf, "undecided"),
    ],
)
def test_verdicts(low: float, high: float, verdict: str) -> None:
    estimate = Estimate(1.0, low, high, 10, 5)
    assert judge(estimate) == verdict
    opposite = {"better": "worse", "worse": "better"}
    other = " ".join(opposite.get(word, word) for word in verdict.split())
    assert judge(estimate, lower_is_better=False) == other
    assert judge(estimate).broadly == verdict.split()[-1]


def test_another_margin() -> None:
    assert judge(interval(0.97, 0.995), 0.01) is Verdict.SLIGHTLY_BETTER
    assert judge(interval(0.97, 0.98), 0.01) is Verdict.BETTER
    for margin in (0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match=r"^margin is "):
            judge(interval(1, 1), margin)


def test_what_wants_no_more_slices_is_decided_wherever_it_lies() -> None:
    half = math.log(1.05) / 2
    for middle in np.linspace(-0.2, 0.2, 4001):
        estimate = interval(math.exp(middle - half + 1e-9), math.exp(middle + half - 1e-9))
        assert estimate.half_width <= NARROW
        assert judge(estimate) is not Verdict.UNDECIDED
    assert interval(math.exp(-half - 1e-9), math.exp(half + 1e-9)).half_width > NARROW
    assert interval(math.exp(5 - 0.03), math.exp(5 + 0.03)).half_width > NARROW  # decided long since: the width alone counts
    assert Estimate(1, 0, math.inf, 1, 1).half_width > NARROW


def controls(*distances: float) -> list[Estimate]:
    """A/A intervals whose middles are so many half-widths from 1."""
    return [interval(math.exp(0.01 * (distance - 1)), math.exp(0.01 * (distance + 1))) for distance in distances]


def test_a_run_that_keeps_its_promise_is_left_alone() -> None:
    # P(X <= 18), of 20 at 95 %: 1 - 0.3585 - 0.3774
    found = calibrate(controls(*[0.5] * 18, 1.5, -3))
    assert (found.intervals, found.contain, found.factor) == (20, 18, 1)
    assert found.probability == pytest.approx(0.2642, abs=1e-4)


def test_a_run_that_does_not_is_widened_until_it_does() -> None:
    # P(X <= 16), of 20 at 95 %
    found = calibrate(controls(*[0.5] * 16, 1.2, -1.5, 1.7, 9))
    assert found.contain == 16
    assert found.probability == pytest.approx(0.0159, abs=1e-4)
    assert found.factor == pytest.approx(1.7)  # 19 of 20 contain 1
    assert sum(one.widened(found.factor).contains(1) for one in controls(*[0.5] * 16, 1.2, -1.5, 1.7, 9)) == 19


def test_few_controls() -> None:
    assert (calibrate([]).intervals, calibrate([]).factor) == (0, 1)
    assert calibrate(controls(7)).factor == 1  # one in twenty does not contain 1: this may be it
    assert calibrate(controls(7, 3)).factor == pytest.approx(3)
    assert calibrate([*controls(7), Estimate(1, 0, math.inf, 1, 1)]).intervals == 1


@pytest.mark.parametrize(("scale", "seldom", "often"), [(1.0, 0.0, 0.06), (2.0, 0.95, 1.0)])
def test_calibration_of_many_runs(scale: float, seldom: float, often: float) -> None:
    """Runs of 30 cells whose intervals are as wide as they should be, and half as wide."""
    random = np.random.default_rng(0)
    found = [calibrate(controls(*random.normal(0, scale / 1.96, 30))).factor for _ in range(500)]
    assert seldom <= np.mean(np.array(found) > 1) <= often
    assert np.median(found) == pytest.approx(scale, rel=0.15)


def test_false_verdicts_to_be_expected() -> None:
    assert false_verdicts(0) == 0
    assert false_verdicts(40) == pytest.approx(2)
