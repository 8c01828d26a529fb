"""Percentiles against the exact ones, and the edges."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from benchmarks.load import Histogram


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("percent", [0, 0.1, 1, 25, 50, 75, 90, 99, 99.9, 99.99, 100])
def test_percentiles_are_within_1_percent(percent: float, seed: int) -> None:
    times = np.random.default_rng(seed).lognormal(-5, 2, 20_001)
    exact = float(np.percentile(times, percent, method="inverted_cdf"))
    assert Histogram.of(times).percentile(percent) == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("power", np.linspace(-5.9, 4, 67))
def test_one_time_is_exact_and_its_bucket_within_1_percent(power: float) -> None:
    time = 10**power
    assert Histogram.of([time]).percentile(50) == time
    between = Histogram.of([1e-6, time, 1e5])
    assert between.percentile(50) == pytest.approx(time, rel=0.01)


def test_nearest_rank_by_hand() -> None:
    histogram = Histogram.of([0.001, 0.002, 0.003, 0.004, 0.100])
    assert histogram.percentile(0) == 0.001
    assert histogram.percentile(20) == pytest.approx(0.001, rel=0.01)
    assert histogram.percentile(20.1) == pytest.approx(0.002, rel=0.01)
    assert histogram.percentile(50) == pytest.approx(0.003, rel=0.01)
    assert histogram.percentile(80) == pytest.approx(0.004, rel=0.01)
    assert histogram.percentile(80.1) == 0.1
    assert histogram.percentile(100) == 0.1
    assert histogram.count == 5
    assert histogram.total == pytest.approx(0.11)


def test_rank_is_not_pushed_up_by_rounding() -> None:
    """7 % of 100 is the 7th, though 0.07 * 100 is 7.000000000000001."""
    histogram = Histogram.of([0.001] * 7 + [1.0] * 93)
    assert histogram.percentile(7) == pytest.approx(0.001, rel=0.01)


def test_what_is_shorter_than_a_microsecond_counts_as_short() -> None:
    histogram = Histogram.of([0.0, 1e-9, 1.0])
    assert histogram.percentile(0) == 0.0
    assert 0 <= histogram.percentile(50) <= 1.01e-6


def test_merging_is_recording_together() -> None:
    times = np.random.default_rng(0).exponential(0.01, 1000)
    merged = Histogram.of(times[:300])
    merged.merge(Histogram.of(times[300:]))
    merged.merge(Histogram())
    together = Histogram.of(times)
    assert merged.counts == together.counts
    assert (merged.shortest, merged.longest) == (together.shortest, together.longest)
    assert merged.total == pytest.approx(together.total)


def test_recording_one_by_one_is_recording_together() -> None:
    histogram = Histogram()
    for time in (0.3, 0.001, 0.3):
        histogram.record(time)
    assert histogram == Histogram.of([0.3, 0.001, 0.3])


@pytest.mark.parametrize("times", [[], [0.0], [0.25], [0.001, 0.002, 5.0]])
def test_json_round_trip(times: list[float]) -> None:
    histogram = Histogram.of(times)
    text = json.dumps(histogram.to_json(), allow_nan=False)
    assert Histogram.from_json(json.loads(text)) == histogram


def test_another_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="laid out as"):
        Histogram.from_json(Histogram.of([1.0]).to_json() | {"growth": 1.5})


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf])
def test_what_is_no_time_is_refused_whole(bad: float) -> None:
    histogram = Histogram()
    with pytest.raises(ValueError, match=r"^seconds\[1\] is .*: it must be finite and not negative$"):
        histogram.record([0.1, bad])
    assert histogram == Histogram()


def test_an_empty_histogram_has_no_percentiles() -> None:
    with pytest.raises(ValueError, match="no percentiles"):
        Histogram().percentile(50)


@pytest.mark.parametrize("percent", [-1, 100.1, math.nan])
def test_percent_lies_between_0_and_100(percent: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        Histogram.of([1.0]).percentile(percent)
