"""What an interval says, by the margin alone."""

import math
from enum import StrEnum

from benchmarks.analysis.estimate import Estimate

MARGIN = 0.05
"""A smaller difference is of no interest. It is fixed before any measurement, and reaches from 1/1.05 to 1.05."""


class Verdict(StrEnum):
    """Of a contender against its references."""

    BETTER = "better"
    SLIGHTLY_BETTER = "slightly better"
    SAME = "same"
    SLIGHTLY_WORSE = "slightly worse"
    WORSE = "worse"
    UNDECIDED = "undecided"

    @property
    def broadly(self) -> str:
        """Slightly better is better, and slightly worse worse."""
        return self.removeprefix("slightly ")


def judge(estimate: Estimate, margin: float = MARGIN, *, lower_is_better: bool = True) -> Verdict:
    """Same where the whole interval lies within the margin; else better or worse where it leaves out 1, slightly so where it
    reaches into the margin; else undecided.

    So an interval no wider than the margin on one side of 1 always decides (`effort.wanting`). Raises ValueError for a margin
    that is not positive and finite.
    """
    if not (margin > 0 and math.isfinite(margin)):
        raise ValueError(f"margin is {margin!r}: it must be positive and finite")
    low, high = (estimate.low, estimate.high) if lower_is_better else (1 / estimate.high, _inverse(estimate.low))
    if 1 / (1 + margin) <= low and high <= 1 + margin:
        return Verdict.SAME
    if high < 1:
        return Verdict.BETTER if high < 1 / (1 + margin) else Verdict.SLIGHTLY_BETTER
    if low > 1:
        return Verdict.WORSE if low > 1 + margin else Verdict.SLIGHTLY_WORSE
    return Verdict.UNDECIDED


def _inverse(value: float) -> float:
    return 1 / value if value else math.inf
