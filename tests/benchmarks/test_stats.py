"""Numbers worked out by hand, single-item edges, and by simulation what intervals and verdicts promise."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from benchmarks.stats import (
    MARGIN,
    Estimate,
    Verdict,
    decidable,
    instabilities,
    log_ratios,
    outliers,
    pooled_interval,
    ratio_interval,
    resolvable,
    scatter,
    verdict,
)

FLOOR = Estimate(1.0, 0.98, 1.02, 12)


def test_ratio_interval_by_hand() -> None:
    # log-ratios ln 2, ln 4, ln 8: mean ln 4, standard deviation ln 2; t(0.975, 2) = 4.302653
    half = 4.302653 * math.log(2) / math.sqrt(3)
    estimate = ratio_interval([2, 12, 40], [1, 3, 5])
    assert estimate.ratio == pytest.approx(4)
    assert estimate.low == pytest.approx(4 * math.exp(-half), rel=1e-6)
    assert estimate.high == pytest.approx(4 * math.exp(half), rel=1e-6)
    assert estimate.rounds == 3


def test_ratio_interval_at_another_confidence() -> None:
    half = 2.919986 * math.log(2) / math.sqrt(3)  # t(0.95, 2)
    assert ratio_interval([2, 4, 8], [1, 1, 1], confidence=0.9).high == pytest.approx(4 * math.exp(half), rel=1e-6)


def test_swapping_the_sides_inverts_the_interval() -> None:
    there, back = ratio_interval([3, 5, 4], [2, 6, 4]), ratio_interval([2, 6, 4], [3, 5, 4])
    assert (there.ratio, there.low, there.high) == pytest.approx((1 / back.ratio, 1 / back.high, 1 / back.low))


def test_rounds_are_paired() -> None:
    """What both sides suffered in a round drops out."""
    noise = [1.0, 7.0, 0.2, 3.0]
    estimate = ratio_interval([1.5 * value for value in noise], noise)
    assert (estimate.low, estimate.high) == pytest.approx((1.5, 1.5))


def test_equal_rounds_give_an_interval_of_no_width() -> None:
    assert ratio_interval([2, 2, 2], [1, 1, 1]) == Estimate(2.0, 2.0, 2.0, 3)


def test_one_round_has_a_ratio_but_no_bounds() -> None:
    estimate = ratio_interval([3], [2])
    assert estimate.ratio == pytest.approx(1.5)
    assert (estimate.low, estimate.high, estimate.rounds) == (0.0, math.inf, 1)
    assert verdict(estimate, FLOOR) is Verdict.INCONCLUSIVE
    assert verdict(estimate, None) is Verdict.INCONCLUSIVE


def test_two_wild_rounds_reach_infinity_instead_of_overflowing() -> None:
    assert ratio_interval([1e200, 1e-200], [1e-200, 1e200]).high == math.inf


@pytest.mark.parametrize("bad", [0, -1.0, math.nan, math.inf])
def test_values_that_are_no_measurement_are_named(bad: float) -> None:
    with pytest.raises(ValueError, match=r"^contender\[1\] is .*: it must be positive and finite$"):
        ratio_interval([1, bad], [1, 1])
    with pytest.raises(ValueError, match=r"^baseline\[2\] is "):
        ratio_interval([1, 1, 1], [1, 1, bad])


def test_rounds_that_do_not_pair_are_refused() -> None:
    with pytest.raises(ValueError, match="2 of contender, 3 of baseline"):
        ratio_interval([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="at least one round"):
        ratio_interval([], [])
    with pytest.raises(ValueError, match="confidence is 95"):
        ratio_interval([1], [1], confidence=95)


def test_log_ratios_and_scatter_by_hand() -> None:
    assert log_ratios([math.e, 1], [1, 1]) == pytest.approx([1, 0])
    assert scatter([math.e, 1], [1, 1]) == pytest.approx(math.sqrt(0.5))
    with pytest.raises(ValueError, match="at least two rounds"):
        scatter([1], [1])


@pytest.mark.parametrize("noise", ["normal", "heavy"])
@pytest.mark.parametrize("rounds", [2, 3, 5, 12, 30])
def test_the_95_percent_interval_covers_95_percent(rounds: int, noise: str) -> None:
    """Of 2,000 intervals 95 % +- 1.5 % (3 standard errors) hold the truth; heavy tails may only widen."""
    generator = np.random.default_rng(rounds)
    covered = 0
    for _ in range(2000):
        logs = generator.standard_normal(rounds) if noise == "normal" else generator.standard_t(3, rounds)
        covered += ratio_interval((1.3 * np.exp(0.1 * logs)).tolist(), [1.0] * rounds).contains(1.3)
    assert 0.935 <= covered / 2000 <= (0.965 if noise == "normal" else 0.985)


def simulate(ratio: float, scatter: float, rounds: int, *, margin: float = MARGIN) -> Counter[Verdict]:
    """Verdicts of 1,000 runs of a baseline, its A/A control and a contender, each with noise of its own."""
    generator, seen = np.random.default_rng(rounds), Counter[Verdict]()
    each = scatter / math.sqrt(2)  # a ratio scatters by both of its sides
    for _ in range(1000):
        busy = generator.lognormal(0, 0.5, rounds)
        baseline, again, contender = (busy * generator.lognormal(0, each, rounds) for _ in range(3))
        floor = ratio_interval(again.tolist(), baseline.tolist())
        seen[verdict(ratio_interval((ratio * contender).tolist(), baseline.tolist()), floor, margin=margin)] += 1
    return seen


@pytest.mark.parametrize("rounds", [2, 3, 5, 12, 30])
@pytest.mark.parametrize("scatter", [0.02, 0.2])
def test_a_against_a_is_called_different_in_at_most_5_percent(rounds: int, scatter: float) -> None:
    """Even with no margin to speak of, when only the floor stands between noise and a verdict; a margin allows fewer."""
    seen = simulate(1.0, scatter, rounds, margin=1e-9)
    assert (seen[Verdict.BETTER] + seen[Verdict.WORSE]) / 1000 <= 0.05


def test_known_effects_get_their_verdict() -> None:
    """The stated rates, at the 7.5 % by which CPU per request scatters between rounds, 12 rounds."""
    assert simulate(0.80, 0.075, 12)[Verdict.BETTER] >= 990
    assert simulate(0.85, 0.075, 12)[Verdict.BETTER] >= 900
    assert simulate(1.18, 0.075, 12)[Verdict.WORSE] >= 900
    assert simulate(1.0, 0.02, 12)[Verdict.SAME] >= 990


@pytest.mark.parametrize("ratio", [1.05, 1 / 1.05])
def test_an_effect_as_large_as_the_margin_is_mostly_inconclusive(ratio: float) -> None:
    seen = simulate(ratio, 0.02, 12)
    assert seen[Verdict.INCONCLUSIVE] >= 940
    assert max(seen[Verdict.SAME], seen[Verdict.BETTER], seen[Verdict.WORSE]) <= 40  # 2.5 % each, + 3 s.e.


@pytest.mark.parametrize(
    ("low", "high", "cost", "throughput"),
    [
        (0.80, 0.94, "better", "worse"),
        (
            0.80,
            0.96,
            "inconclusive",
            "inconclusive",
        ),  # reaches into the margin, which begins at 1/1.05 = 0.952
        (0.953, 1.049, "same", "same"),
        (0.95, 1.049, "inconclusive", "inconclusive"),
        (0.99, 1.06, "inconclusive", "inconclusive"),
        (1.06, 1.07, "worse", "better"),
        (1.04, 1.07, "inconclusive", "inconclusive"),
        (0.80, 1.20, "inconclusive", "inconclusive"),
    ],
)
def test_verdicts_against_the_margin(low: float, high: float, cost: str, throughput: str) -> None:
    estimate = Estimate(math.sqrt(low * high), low, high, 12)
    for floor in (FLOOR, None):
        assert verdict(estimate, floor) == cost
        assert verdict(estimate, floor, lower_is_better=False) == throughput


@pytest.mark.parametrize("floor", [Estimate(1.0, 0.85, 1.1, 12), Estimate(1.1, 1.02, 1 / 0.85, 12)])
def test_nothing_is_claimed_inside_the_floor(floor: Estimate) -> None:
    """The floor counts by its farther end, to both sides."""
    assert verdict(Estimate(0.87, 0.86, 0.88, 12), floor) == "inconclusive"
    assert verdict(Estimate(1.16, 1.15, 1.17, 12), floor) == "inconclusive"
    assert verdict(Estimate(1.0, 0.99, 1.01, 12), floor) == "inconclusive"
    assert verdict(Estimate(0.83, 0.82, 0.84, 12), floor) == "better"
    assert verdict(Estimate(1.19, 1.18, 1.20, 12), floor) == "worse"


def test_an_unbounded_floor_allows_no_verdict() -> None:
    assert verdict(Estimate(0.1, 0.1, 0.1, 12), ratio_interval([1], [1])) == "inconclusive"


@pytest.mark.parametrize("margin", [0, -0.05, math.nan, math.inf])
def test_a_margin_that_is_none_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin is"):
        verdict(FLOOR, None, margin=margin)


def test_decidable_by_hand() -> None:
    assert decidable(12, 0.2) == pytest.approx(math.exp((2 * 2.200985 + 0.6745) * 0.2 / math.sqrt(12)), rel=1e-6)
    assert decidable(12, 0.03, margin=0.1) == pytest.approx(resolvable(12, 0.03) * 1.1, rel=1e-9)
    assert decidable(1, 0.1) == math.inf


@pytest.mark.parametrize("scatter", [0.03, 0.2])
def test_an_effect_that_is_decidable_gets_its_verdict_in_every_second_run(scatter: float) -> None:
    random, rounds, effect = np.random.default_rng(5), 12, math.log(decidable(12, scatter))
    found = 0
    for _ in range(1_000):
        control, contender = (np.exp(random.normal(middle, scatter, rounds)).tolist() for middle in (0.0, effect))
        ones = [1.0] * rounds
        found += verdict(ratio_interval(contender, ones), ratio_interval(control, ones)) is Verdict.WORSE
    assert 430 <= found <= 570


def test_resolvable_by_hand() -> None:
    assert resolvable(12, 0.2) == pytest.approx(math.exp(2.200985 * 0.2 / math.sqrt(12)), rel=1e-6)  # t(0.975, 11)
    assert resolvable(12, 0.0) == 1.0
    assert resolvable(1, 0.1) == math.inf
    for rounds, spread in ((0, 0.1), (3, -0.1), (3, math.nan)):
        with pytest.raises(ValueError, match="rounds must be at least 1"):
            resolvable(rounds, spread)


def test_outliers() -> None:
    # median 10, median absolute deviation 1: the limit is 14.826 away
    assert outliers([9, 10, 11, 24.8, 10]) == []
    assert outliers([9, 10, 11, 24.9, 10]) == [3]
    assert outliers([-20, 9, 10, 11, 12, 40]) == [0, 5]
    assert outliers([5, 5, 5, 5, 5.1]) == [4]
    assert outliers([5, 5, 5, 5, 5]) == []
    assert outliers([1, 1, 1, 100]) == []  # too few to tell
    assert outliers([]) == []


def test_instabilities() -> None:
    assert instabilities([100, 101, 99, 100, 102]) == []
    assert instabilities([]) == ["no rounds"]
    assert instabilities([7]) == ["fewer than 5 rounds: 1"]
    assert instabilities([80, 90, 100, 110, 120]) == ["standard deviation is 15.8% of the mean, more than 10%"]
    assert instabilities([100, 101, 99, 100, 200]) == [
        "standard deviation is 37.3% of the mean, more than 10%",
        "largest value is 66.7% from the mean, more than 50%",
        "outliers in rounds 5",
    ]
    assert "smallest value is 59.8% from the mean, more than 50%" in instabilities([100, 100, 100, 100, 35])


def test_pooled_interval_by_hand() -> None:
    # means ln 2 and ln 8, their mean ln 4; variances of the means (ln 2)^2 / 3 and 0: sd / k = ln 2 / sqrt(3) / 2, 2 degrees
    half = 4.302653 * math.log(2) / math.sqrt(3) / 2
    estimate = pooled_interval([[0.0, math.log(2), 2 * math.log(2)], [3 * math.log(2)] * 4])
    assert estimate.ratio == pytest.approx(4)
    assert estimate.low == pytest.approx(4 * math.exp(-half), rel=1e-6)
    assert estimate.high == pytest.approx(4 * math.exp(half), rel=1e-6)
    assert estimate.rounds == 7


def test_pooling_one_comparison_changes_nothing() -> None:
    alone = ratio_interval([2.0, 3.0, 5.0], [1.0, 2.0, 2.0])
    pooled = pooled_interval([log_ratios([2.0, 3.0, 5.0], [1.0, 2.0, 2.0]).tolist()])
    assert (pooled.ratio, pooled.low, pooled.high) == pytest.approx((alone.ratio, alone.low, alone.high))


def test_comparisons_weigh_the_same_however_many_rounds_they_have() -> None:
    estimate = pooled_interval([[0.0, 0.0], [1.0] * 50])
    assert (estimate.ratio, estimate.low, estimate.high) == pytest.approx((math.exp(0.5),) * 3)


@pytest.mark.parametrize("strata", [[], [[0.1]], [[0.1, 0.2], [0.3]]])
def test_pooling_needs_two_rounds_of_each(strata: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="at least one, of two rounds or more"):
        pooled_interval(strata)


def test_the_pooled_interval_covers_95_percent() -> None:
    """With unequal rounds and scatters, as scenarios have; 3 standard errors of 2,000 intervals are 1.5 %."""
    generator = np.random.default_rng(7)
    given = ((0.1, 0.2, 10), (0.3, 0.1, 6), (-0.1, 0.3, 4))
    covered = 0
    for _ in range(2000):
        strata = [generator.normal(mean, scatter, rounds) for mean, scatter, rounds in given]
        covered += pooled_interval([logs.tolist() for logs in strata]).contains(math.exp(0.1))
    assert 0.935 <= covered / 2000 <= 0.97
