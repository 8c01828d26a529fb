"""Numbers worked out by hand or by scipy, single-item edges, and what must hold whatever the values."""

from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
import pytest
import scipy

from benchmarks.analysis.estimate import Estimate, Spread, contrast, spread
from benchmarks.analysis.robust import autocorrelation, location
from benchmarks.analysis.slices import Floats

LN2 = math.log(2)


def singles(*values: float) -> list[Floats]:
    """Restarts of one slice each."""
    return [np.array([value]) for value in values]


def heavy(seed: int, restarts: int = 4, slices: int = 25) -> list[Floats]:
    """Restarts of slices with the tails that recorded ones have."""
    return list(np.random.default_rng(seed).standard_t(3, (restarts, slices)) * 0.1)


def test_trimmed_mean_by_hand() -> None:
    # 3..8 are left: mean 5.5; winsorized 3 3 3 4 5 6 7 8 8 8: squares 42.5 around it; 42.5 / (6 x 5)
    found = location([np.arange(1.0, 11)[None]])
    assert (found.middle, found.within_freedom, found.values) == (5.5, 5, 10)
    winsorized = np.array([3, 3, 3, 4, 5, 6, 7, 8, 8, 8]) - 5.5
    widened = (1 + autocorrelation([winsorized])) / (1 - autocorrelation([winsorized]))
    assert found.within == pytest.approx(42.5 / 30 * widened)


@pytest.mark.parametrize("seed", range(5))
def test_trimmed_mean_and_yuen_by_scipy(seed: int) -> None:
    one, other = (heavy(10 * seed + side, 1, 30 + side)[0] for side in (1, 2))
    found = [location([values[None]]) for values in (one, other)]
    assert [part.middle for part in found] == pytest.approx([scipy.stats.trim_mean(values, 0.2) for values in (one, other)])
    widened = []
    for part, values in zip(found, (one, other), strict=True):
        ordered, cut = np.sort(values), int(0.2 * len(values))
        winsorized = np.clip(values, ordered[cut], ordered[-cut - 1])
        correlation = max(0.0, autocorrelation([winsorized - winsorized.mean()]))
        widened.append(part.within * (1 - correlation) / (1 + correlation))
    yuen = scipy.stats.ttest_ind(one, other, equal_var=False, trim=0.2)
    assert yuen.statistic == pytest.approx((found[0].middle - found[1].middle) / math.sqrt(sum(widened)))


def test_single_slices_get_students_t_on_the_restarts() -> None:
    estimate = contrast([singles(LN2, 2 * LN2, 3 * LN2)])
    half = 4.302653 * LN2 / math.sqrt(3)  # t(0.975, 2)
    assert (estimate.ratio, estimate.low, estimate.high) == pytest.approx((4, 4 * math.exp(-half), 4 * math.exp(half)), rel=1e-6)
    assert (estimate.slices, estimate.restarts) == (3, 3)
    assert estimate.half_width == pytest.approx(half)
    narrower = contrast([singles(LN2, 2 * LN2, 3 * LN2)], confidence=0.9).half_width
    assert narrower == pytest.approx(2.919986 * LN2 / math.sqrt(3))  # t(0.95, 2)


def test_restarts_that_differ_count_as_restarts() -> None:
    """Two slices each, so nothing is trimmed: Student's t on the means 1, 2, 3, whose standard error is 1 / sqrt(3)."""
    estimate = contrast([[np.array([middle - 0.1, middle + 0.1]) for middle in (1.0, 2.0, 3.0)]])
    assert estimate.half_width == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)


def test_restarts_that_agree_leave_it_to_the_slices() -> None:
    estimate = contrast([[np.array([1.0, -1.0, 1.0, -1.0])] * 3])  # winsorizing takes nothing away; 12 - 4 left, 3 means
    freedom, variance = 8 - 3, 12 / (12 - 3) * 11 / (8 * 7)
    assert estimate.half_width == pytest.approx(scipy.stats.t.ppf(0.975, freedom) * math.sqrt(variance))
    assert estimate.ratio == pytest.approx(1)


def test_one_wild_slice_hardly_moves_it() -> None:
    calm, wild = heavy(1), heavy(1)
    wild[2] = np.append(wild[2][:-1], 50.0)
    assert math.log(contrast([wild]).ratio) == pytest.approx(math.log(contrast([calm]).ratio), abs=0.02)
    assert contrast([wild]).half_width < 1.5 * contrast([calm]).half_width


def test_stalls_of_references_move_nothing() -> None:
    """Three servers that are the same; one slice in four of each is slowed, by up to e."""
    random = np.random.default_rng(0)
    one, *references = random.normal(0, 0.05, (3, 40_000)) + random.uniform(0, 1, (3, 40_000)) * (
        random.uniform(size=(3, 40_000)) < 0.25
    )
    rows = one - np.array(references)
    assert location([rows]).middle == pytest.approx(0, abs=0.002)
    assert abs(location([rows.mean(axis=0, keepdims=True)]).middle) > 0.01


def test_a_cells_contenders_share_what_restarts_add() -> None:
    alike, apart = [np.array([1.0, 3.0])] * 3, [np.array([middle, middle + 2.0]) for middle in (0.0, 1.0, 2.0)]
    # within, both: 6 squares over 3 of freedom; means of the second: squares 2 x 2 over 2; quotient 4/2 / (6/3)
    assert spread([alike]) == Spread(0.0, 2)
    assert astuple(spread([apart])) == pytest.approx((1, 2))
    assert astuple(spread([alike, apart])) == pytest.approx((0.5, 4))
    assert spread([singles(1, 2)]) == Spread(1.0, 0)
    nine = contrast([alike], spreads=[Spread(9.0, 40)])
    variance = (6 * 9 + 2 * 0) / 8 * 2 / 6  # its own two say 0
    assert nine.half_width == pytest.approx(scipy.stats.t.ppf(0.975, 8) * math.sqrt(variance))
    assert contrast([alike], spreads=[Spread(0.1, 40)]) == contrast([alike])


def test_who_scatters_from_restart_to_restart_is_heard_among_those_who_do_not() -> None:
    calm = Spread(1.0, 200)
    for restarts in (3, 12, 60):
        apart = [np.array([middle - 1, middle + 1.0]) for middle in np.linspace(-9, 9, restarts)]
        part = location([np.atleast_2d(one) for one in apart])
        own = part.between_freedom * part.between
        expected = math.sqrt((6 * part.within + own) / (6 + part.between_freedom))
        found = contrast([apart], spreads=[calm]).half_width
        assert found == pytest.approx(scipy.stats.t.ppf(0.975, 6 + part.between_freedom) * expected)
        alone = contrast([apart]).half_width
        assert found < alone
    assert found > 0.9 * alone


def test_autocorrelation() -> None:
    assert autocorrelation([np.array([1.0, 1.0, -1.0, -1.0])]) == pytest.approx(1 / 4 + 1 / 4)
    assert autocorrelation([np.array([1.0, -1.0]), np.array([0.0])]) == pytest.approx(-1 / 2 + 1 / 2)
    assert autocorrelation([np.zeros(3)]) == autocorrelation([]) == 0
    noise = np.random.default_rng(0).normal(size=(200, 30))
    followers = scipy.signal.lfilter([1], [1, -0.5], noise, axis=1)
    for series, expected in ((noise, 0.0), (followers, 0.5)):
        centred = list(series - series.mean(axis=1, keepdims=True))
        assert autocorrelation(centred) == pytest.approx(expected, abs=0.06)


def test_correlated_slices_widen_the_interval() -> None:
    """AR(1) with 0.6: the variance of a mean is four times as large, and the interval has to contain the truth all the same."""
    random = np.random.default_rng(0)
    series = scipy.signal.lfilter([1], [1, -0.6], random.normal(size=(300, 5, 60)))[..., 20:]
    assert sum(contrast([list(run)]).contains(1) for run in series) / 300 > 0.92
    restarts = list(series.reshape(1500, 1, 40))
    shuffled = [random.permuted(restart, axis=1) for restart in restarts]
    assert 3 < location(restarts).within / location(shuffled).within < 4  # centring hides some; the restarts' scatter shows it


def test_a_change_between_runs_is_welchs() -> None:
    old, new = [0.1, 0.15, 0.3, 0.2], [0.4, 0.5, 0.45]
    estimate = contrast([singles(*old), singles(*new)], [-1, 1])
    welch = scipy.stats.ttest_ind(new, old, equal_var=False).confidence_interval()
    assert (math.log(estimate.low), math.log(estimate.high)) == pytest.approx((welch.low, welch.high))
    assert (estimate.slices, estimate.restarts) == (7, 3)


def test_strata_count_the_same_however_many_slices_they_have() -> None:
    estimate = contrast([singles(0.0, 0.0), [np.full(20, 2.0), np.full(20, 2.0)]])
    assert estimate.ratio == pytest.approx(math.e)
    assert estimate.half_width == pytest.approx(0)


def test_no_interval_is_narrower_than_the_clock() -> None:
    estimate = contrast([[np.full(20, LN2)] * 3], resolution=0.01)
    assert (estimate.low, estimate.high) == pytest.approx((2 * math.exp(-0.01), 2 * math.exp(0.01)))
    assert contrast([heavy(0)], resolution=1e-9) == contrast([heavy(0)])


def test_one_restart_says_nothing_of_the_next() -> None:
    for restart in (np.array([LN2]), np.full(30, LN2), heavy(0)[0]):
        estimate = contrast([[restart]])
        assert (estimate.low, estimate.high, estimate.restarts, estimate.half_width) == (0, math.inf, 1, math.inf)
    assert contrast([heavy(0), [heavy(0)[0]]]).half_width == math.inf


def test_restarts_without_slices_are_none() -> None:
    assert contrast([[*heavy(0), np.empty(0)]]) == contrast([heavy(0)])


@pytest.mark.parametrize(
    ("strata", "weights"),
    [
        ([], None),
        ([[]], None),
        ([singles()], None),
        ([[np.empty(0)]], None),
        ([singles(1, 2)], [1, 1]),
        ([singles(1, math.nan)], None),
    ],
)
def test_what_is_no_comparison_is_refused(strata: list[list[Floats]], weights: list[float] | None) -> None:
    with pytest.raises(ValueError):
        contrast(strata, weights)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_values(seed: int) -> None:
    restarts = heavy(seed, *np.random.default_rng(seed).integers(2, 9, 2))
    estimate = contrast([restarts])
    assert 0 < estimate.low <= estimate.ratio <= estimate.high
    back = contrast([[-one for one in restarts]])
    assert (back.ratio, back.low, back.high) == pytest.approx((1 / estimate.ratio, 1 / estimate.high, 1 / estimate.low))
    moved = contrast([[one + 1 for one in restarts[::-1]]])
    assert (moved.ratio, moved.half_width) == pytest.approx((estimate.ratio * math.e, estimate.half_width))
    twice = contrast([[np.array([one, one]) for one in restarts]])
    assert (twice.ratio, twice.half_width) == pytest.approx((estimate.ratio, estimate.half_width))
    assert contrast([restarts], [-2]).half_width == pytest.approx(2 * estimate.half_width)


def test_two_wild_restarts_reach_infinity_instead_of_overflowing() -> None:
    assert contrast([singles(900, -900)]) == Estimate(1, 0, math.inf, 2, 2)


def test_widened() -> None:
    estimate = Estimate(2, 1, 4, 10, 3).widened(2)
    assert (estimate.ratio, estimate.low, estimate.high, estimate.slices) == pytest.approx((2, 0.5, 8, 10))
    unbounded = Estimate(1, 0, math.inf, 1, 1)
    assert unbounded.widened(1.5) == unbounded
