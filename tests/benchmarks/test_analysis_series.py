"""Slices are paired by pass: spans, gaps, and slices in which nothing happened."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from benchmarks.analysis.series import log_ratios, paired
from benchmarks.analysis.slices import CPU, DATABASE_CPU, THROUGHPUT, Slices


def slices(answered: list[int], cpu: list[float] | None = None, **columns: Any) -> Slices:
    """One slice a pass, of a second each, and of a CPU second unless `cpu` says otherwise."""
    count = len(answered)
    return Slices.of(
        {
            "turn": range(count),
            "seconds": [1.0] * count,
            "answered": answered,
            "server_cpu": cpu or [1.0] * count,
            **columns,
        }
    )


def test_quantities_by_hand() -> None:
    one = slices([10, 20], database_cpu=[0.5, 2.0])
    other = slices([20, 20], [1.0, 4.0], database_cpu=[0.5, 1.0])
    assert log_ratios(one, [other], THROUGHPUT)[0] == pytest.approx([math.log(0.5), 0])
    assert log_ratios(one, [other], CPU)[0] == pytest.approx([math.log(0.1 / 0.05), math.log(0.05 / 0.2)])
    assert log_ratios(one, [other], DATABASE_CPU)[0] == pytest.approx([math.log(2), math.log(2)])


def test_each_reference_has_a_row() -> None:
    assert log_ratios(slices([8, 8]), [slices([4, 2]), slices([8, 16])], THROUGHPUT) == pytest.approx(
        np.log(np.array([[2, 4], [1, 0.5]]))
    )


def test_a_slice_of_several_passes_meets_the_totals_of_the_others() -> None:
    long = slices([30, 10], turn=[0, 3], turns=[3, 1])
    assert log_ratios(long, [slices([10, 20, 30, 10])], THROUGHPUT)[0] == pytest.approx([math.log(30 / 20), 0])


def test_slices_that_overlap_in_a_chain_are_one_group() -> None:
    one, other = (
        slices([20, 20, 7], turn=[0, 2, 4], turns=[2, 2, 1]),
        slices([5, 20, 10, 7], turn=[0, 1, 3, 4], turns=[1, 2, 1, 1]),
    )
    assert log_ratios(one, [other], CPU)[0] == pytest.approx([math.log((2 / 40) / (3 / 35)), 0])


def test_passes_that_somebody_lacks_are_left_out() -> None:
    """The contender was given up after two passes; the reference began one later."""
    one, other = slices([10, 20]), slices([20, 99, 99], turn=[1, 2, 3])
    assert log_ratios(one, [other], THROUGHPUT)[0] == pytest.approx([0])


def test_a_long_slice_is_left_out_whole_where_a_pass_of_it_is_lacking() -> None:
    long = slices([30, 10], turn=[0, 3], turns=[3, 1])
    assert log_ratios(long, [slices([10, 20, 10], turn=[0, 2, 3])], THROUGHPUT)[0] == pytest.approx([0])


def test_a_pass_without_answers_is_merged_with_the_next_and_costs() -> None:
    ratios = log_ratios(slices([0, 10, 10, 0]), [slices([10, 10, 10, 20])], THROUGHPUT)[0]
    assert ratios == pytest.approx([math.log(10 / 20), math.log(10 / 30)])


def test_a_coarse_clock_is_waited_for() -> None:
    ratios = log_ratios(slices([1, 1, 1, 1], [0.0, 0.02, 0.0, 0.01]), [slices([1, 1, 1, 1], [0.01, 0.0, 0.01, 0.01])], CPU)[0]
    assert ratios == pytest.approx([math.log(2), math.log(0.5)])


@pytest.mark.parametrize(
    ("contender", "reference"),
    [
        (slices([0, 0]), slices([1, 1])),
        (slices([]), slices([])),
        (slices([1, 1]), slices([])),
        (slices([1], turn=[0]), slices([1], turn=[1])),
    ],
)
def test_nothing_pairs(contender: Slices, reference: Slices) -> None:
    assert log_ratios(contender, [reference], THROUGHPUT).shape == (1, 0)


def test_what_is_not_known_has_no_ratios() -> None:
    known, unknown = slices([1, 1], database_cpu=[1.0, 1.0]), slices([1, 1], database_cpu=[None, 1.0])
    assert log_ratios(known, [unknown], DATABASE_CPU).shape == (1, 0)
    assert log_ratios(known, [slices([1, 1])], DATABASE_CPU).shape == (1, 0)


def test_references_there_must_be() -> None:
    with pytest.raises(ValueError, match="at least one reference"):
        log_ratios(slices([1]), [], CPU)


def test_columns_must_fit_and_slices_not_overlap() -> None:
    with pytest.raises(ValueError, match=r"^columns differ in length"):
        slices([1, 1], seconds=[1.0])
    for turn, turns in (([0, 0], [1, 1]), ([0, 1], [2, 1]), ([0, 1], [1, 0])):
        with pytest.raises(ValueError, match="at least one pass each, and not overlap"):
            slices([1, 1], turn=turn, turns=turns)
    with pytest.raises(KeyError):
        Slices.of({"turn": [0], "seconds": [1.0], "answered": [1]})


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_spans_nothing_is_lost_and_sides_can_be_swapped(seed: int) -> None:
    random = np.random.default_rng(seed)

    def cut() -> Slices:
        bounds = [0, *sorted(random.choice(np.arange(1, 30), random.integers(0, 29), replace=False)), 30]
        turns = np.diff(bounds)
        answered = random.integers(0, 4, len(turns)).tolist()
        return slices(answered, turn=bounds[:-1], turns=turns, seconds=turns.astype(float), server_cpu=2 * turns)

    one, other = cut(), cut()
    logs = log_ratios(one, [other], THROUGHPUT)
    assert np.isfinite(logs).all()
    assert logs == pytest.approx(-log_ratios(other, [one], THROUGHPUT))
    weather = [2.0 * value for value in other.seconds]
    slow = Slices(other.turn, other.turns, np.array(weather), other.answered, other.server_cpu, other.database_cpu)
    assert log_ratios(one, [slow], THROUGHPUT) == pytest.approx(logs + math.log(2))


def test_weather_that_all_share_drops_out() -> None:
    random = np.random.default_rng(0)
    weather = random.lognormal(0, 1, 50)
    one, other = ([cost * factor for factor in weather] for cost in (0.02, 0.01))
    sides = [slices([10] * 50, cpu) for cpu in (one, other)]
    assert log_ratios(sides[0], sides[1:], CPU)[0] == pytest.approx([math.log(2)] * 50)
    assert paired(sides, CPU).std() > 0.5
