"""Which comparison needs more slices."""

import math

from benchmarks.analysis.estimate import Estimate

TARGET = 0.025
"""Half of the margin: an interval of +-2.5 % cannot reach from 1 beyond it, so it always decides."""


def wanting(estimate: Estimate, target: float = TARGET) -> bool:
    """Whether the interval is still wider than +-`target`, strictly half the way to 1 + 2 `target` on the log scale.

    It looks at the width and never at the verdict: to stop as soon as 1 is left out would find an effect sooner or later where
    there is none (P. Armitage et al., Journal of the Royal Statistical Society A 132, 1969).
    """
    return estimate.half_width > math.log1p(2 * target) / 2
