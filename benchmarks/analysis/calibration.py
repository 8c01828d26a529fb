"""Whether the intervals of a run keep their promise, by the A/A control: the baseline again, so that its true ratio is 1."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr

from benchmarks.analysis.estimate import Estimate

CONFIDENCE = 0.95
UNLIKELY = 0.05
"""So rarely would intervals that keep their promise be found wanting."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How many of the controls' intervals contain 1, how likely so few are if 95 % are to, and what the run's half-widths are
    to be multiplied with: 1 unless it is too unlikely."""

    intervals: int
    contain: int
    probability: float
    factor: float


def calibrate(controls: Sequence[Estimate]) -> Calibration:
    """By the intervals of the control, one a cell.

    Where so few contain 1 as happens once in twenty runs by chance (binomially), the factor is the least by which 95 % of them,
    rounded down, do. Intervals without bounds say nothing and are not counted. Without any there is nothing to correct by.

    It finds gross faults alone: intervals that are too narrow by 1.25, 1.5 and 2 are found among 22 controls in 25, 63 and 96 %
    of runs, and among 5 in 11, 25 and 53 %. And it asks servers that are the same: how a contender's own ratio moves with the
    state of the machine only its own restarts tell.
    """
    distances = np.array([abs(np.log(one.ratio)) / one.half_width for one in controls if 0 < one.half_width < np.inf])
    count = len(distances)
    contain = int((distances <= 1).sum())
    probability = float(bdtr(contain, count, CONFIDENCE)) if count else 1.0
    factor = 1.0
    if probability < UNLIKELY:
        wanted = int(CONFIDENCE * count + 1e-9)
        factor = max(1.0, float(np.sort(distances)[wanted - 1])) * (1 + 1e-9) if wanted else 1.0
    return Calibration(count, contain, probability, factor)


def false_verdicts(comparisons: int) -> float:
    """How many false verdicts are to be expected, at most, among those printed of so many comparisons, undecided ones included.

    A verdict is false only if its interval misses the true ratio: in 5 % at most, and in 2.5 % unless that is 1 itself, since
    only one end can err. Undecided ones count, for each might have got a false verdict as well. (It would be too little to add
    up how improbable each is: where nothing differs one in twenty seems to.)
    """
    return (1 - CONFIDENCE) * comparisons
