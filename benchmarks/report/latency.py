"""Percentiles of latency over rounds. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.analysis.cells import enough
from benchmarks.load import Histogram
from benchmarks.raw.load import Trial
from benchmarks.report.curves import Point
from benchmarks.report.numbers import spread, three

PERCENTILES = (50.0, 90.0, 99.0, 99.9)
DRAWN = (50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9)


def shown(trials: Sequence[Trial], percent: float) -> str:
    """Milliseconds: the median over rounds with the smallest and the largest; of all rounds together where one is too short."""
    values, pooled = percentile(trials, percent)
    if values:
        return spread(values, 1000)
    return "-" if pooled is None else f"{three(1000 * pooled)} pooled"


def percentile(trials: Sequence[Trial], percent: float) -> tuple[list[float], float | None]:
    """Seconds: that of each round, or none and that of all rounds together, or neither where even these are too few."""
    rounds = [trial.overall for trial in trials if trial.count]
    if rounds and all(enough(one, percent) for one in rounds):
        return [one.percentile(percent) for one in rounds], None
    together = Histogram()
    for one in rounds:
        together.merge(one)
    return [], together.percentile(percent) if together.count and enough(together, percent) else None


def curve_points(trials: Sequence[Trial]) -> list[Point]:
    """A contender's curve: percentile, and milliseconds as in the table."""
    points = []
    for percent in DRAWN:
        values, pooled = percentile(trials, percent)
        if values or pooled is not None:
            found = [1000 * value for value in values] or [1000 * (pooled or 0.0)]
            points.append(Point(percent, statistics.median(found), min(found), max(found)))
    return points
