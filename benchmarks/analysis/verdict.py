"""What an interval says, by the margin alone."""

import math
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.analysis.estimate import Estimate

MARGIN = 0.05
"""A smaller difference is of no interest. It is fixed before any measurement, and reaches from 1/1.05 to 1.05."""
NARROW = math.log1p(MARGIN) / 2
"""Half the width, on the log scale, of an interval of +-2.5 %, which always decides: it cannot reach from 1 beyond the margin.
It is no cheating to stop there, but to stop as soon as 1 is left out would be: that finds an effect sooner or later where there
is none (P. Armitage et al., Journal of the Royal Statistical Society A 132, 1969)."""


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


@dataclass(frozen=True)
class Finding:
    """What is known of a contender: `problem` says how it fails, then there is no estimate; nor is there of the baseline."""

    estimate: Estimate | None = None
    verdict: Verdict | None = None
    problem: str | None = None

    @property
    def word(self) -> str:
        """The verdict, `fails`, or nothing where nobody measured it."""
        return "fails" if self.problem else (self.verdict or "")


def judge(estimate: Estimate, margin: float = MARGIN, *, lower_is_better: bool = True) -> Verdict:
    """Same where the whole interval lies within the margin; else better or worse where it leaves out 1, slightly so where it
    reaches into the margin; else undecided.

    So an interval no wider than the margin on one side of 1 always decides (`NARROW`). Raises ValueError for a margin
    that is not positive and finite.
    """
    if not (margin > 0 and math.isfinite(margin)):
        raise ValueError(f"margin is {margin!r}: it must be positive and finite")
    low, high = estimate.low, estimate.high
    if not lower_is_better:
        low, high = 1 / high, 1 / low if low else math.inf
    if 1 / (1 + margin) <= low and high <= 1 + margin:
        return Verdict.SAME
    if high < 1:
        return Verdict.BETTER if high < 1 / (1 + margin) else Verdict.SLIGHTLY_BETTER
    if low > 1:
        return Verdict.WORSE if low > 1 + margin else Verdict.SLIGHTLY_WORSE
    return Verdict.UNDECIDED
