"""Statistics of paired rounds: pure functions, no I/O.

A round measures the contender and the baseline once each, so their ratio is free of what both suffered
(a busy neighbour, a warm cache). Ratios are averaged and given an interval on the log scale, where
"twice as fast" and "half as fast" lie equally far from 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

# Limits are fixed here, before any measurement; a flag never removes a value.
MARGIN = 0.05  # a difference smaller than this is of no interest
OUTLIER_LIMIT = 10  # robust standard deviations from the median, as in hyperfine
FEW_ROUNDS = 5
SCATTER_LIMIT = 0.10  # standard deviation over mean, as in pyperf
RANGE_LIMIT = 0.50  # distance of an extreme from the mean, over the mean, as in pyperf


@dataclass(frozen=True, slots=True)
class Estimate:
    """A geometric mean ratio contender/baseline and its interval, from `rounds` pairs."""

    ratio: float
    low: float
    high: float
    rounds: int

    def contains(self, ratio: float) -> bool:
        """Whether `ratio` lies in the interval: `floor.contains(1)` says that an A/A control is sound."""
        return self.low <= ratio <= self.high


def log_ratios(contender: Sequence[float], baseline: Sequence[float]) -> npt.NDArray[np.float64]:
    """Natural log of contender/baseline for each round.

    Raises ValueError for no rounds, unequal lengths, or a value that is not positive and finite.
    """
    if len(contender) != len(baseline):
        raise ValueError(f"rounds must be paired: {len(contender)} of contender, {len(baseline)} of baseline")
    if not len(contender):
        raise ValueError("at least one round is needed")
    for name, values in (("contender", contender), ("baseline", baseline)):
        for index, value in enumerate(values):
            if not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name}[{index}] is {value!r}: it must be positive and finite")
    logs: npt.NDArray[np.float64] = np.log(contender) - np.log(baseline)
    return logs


def scatter(contender: Sequence[float], baseline: Sequence[float]) -> float:
    """Standard deviation of the log-ratios: 0.1 means that single rounds scatter by about 10 %.

    Raises as `log_ratios` does, and ValueError for a single round.
    """
    logs = log_ratios(contender, baseline)
    if len(logs) < 2:
        raise ValueError("scatter needs at least two rounds")
    return float(logs.std(ddof=1))


def ratio_interval(contender: Sequence[float], baseline: Sequence[float], *, confidence: float = 0.95) -> Estimate:
    """Geometric mean of the ratios within rounds, with Student's t interval on their logs.

    Why t and no bootstrap: in simulation (95 % wanted, n = 3/5/12/30 rounds) t covered 95/95/95/95 % of
    normal log-ratios and 95-97 % of heavy-tailed ones (Student t3, or one round in ten with 5-fold scatter);
    the percentile bootstrap covered 75/83/91/93 % and BCa 72/82/91/93 %: resampling a handful of rounds
    cannot show what they left out. When interference is one-sided and hits the contender alone t falls to
    88-93 %; rounds guard against that, since interference that may hit either side gives symmetric logs.

    One round has no scatter: its interval is (0, inf), which no verdict can rest on. Equal ratios in all of
    several rounds give an interval of no width (but for rounding). Raises as `log_ratios` does.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence!r}: it must lie between 0 and 1")
    logs = log_ratios(contender, baseline)
    count, middle = len(logs), float(logs.mean())
    if count == 1:
        return Estimate(_exp(middle), 0.0, math.inf, 1)
    half = float(logs.std(ddof=1)) * _half_width(count, confidence)
    return Estimate(_exp(middle), _exp(middle - half), _exp(middle + half), count)


def pooled_interval(strata: Sequence[Sequence[float]], *, confidence: float = 0.95) -> Estimate:
    """Geometric mean over several comparisons of equal weight, from the log-ratios of the rounds of each.

    The mean of their means, as in stratified sampling: its standard error is sqrt(sum of s^2/n) / k for k comparisons with
    standard deviation s in n rounds, its degrees of freedom are Welch-Satterthwaite's (Biometrics Bulletin 2, 1946). It says
    what an equal mix of them costs, not that each of them costs that. Raises ValueError for no comparison, or one with fewer
    than two rounds.
    """
    if not strata or min(len(logs) for logs in strata) < 2:
        raise ValueError(f"comparisons must be at least one, of two rounds or more: {[len(logs) for logs in strata]}")
    arrays = [np.asarray(logs, float) for logs in strata]
    variances = [float(logs.var(ddof=1)) / len(logs) for logs in arrays]
    middle = float(np.mean([logs.mean() for logs in arrays]))
    rounds = sum(map(len, arrays))
    total = sum(variances)
    if not total:
        return Estimate(_exp(middle), _exp(middle), _exp(middle), rounds)
    freedom = total**2 / sum(one**2 / (len(logs) - 1) for one, logs in zip(variances, arrays, strict=True))
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(total) / len(arrays)
    return Estimate(_exp(middle), _exp(middle - half), _exp(middle + half), rounds)


def resolvable(rounds: int, scatter: float, *, confidence: float = 0.95) -> float:
    """The ratio above 1 that `rounds` rounds can tell from 1 when log-ratios scatter by `scatter`.

    It is the expected reach of the interval, so an effect of just this size is seen in every second run.
    12 rounds resolve 1.14 at a scatter of 0.2, and 1.05 at 0.075; a single round resolves nothing (inf).
    """
    if rounds < 1 or not (scatter >= 0 and math.isfinite(scatter)):
        raise ValueError(f"rounds must be at least 1 and scatter finite and not negative: {rounds}, {scatter}")
    return _exp(scatter * _half_width(rounds, confidence)) if rounds > 1 else math.inf


def decidable(rounds: int, scatter: float, *, margin: float = MARGIN) -> float:
    """The ratio above 1 that gets a `verdict` in every second run when log-ratios scatter by `scatter`, the control's too.

    The near end of its interval, then as far from it as `resolvable` says, must lie beyond the margin and beyond the control's
    interval. That reaches as far from its own middle, which is 0.6745 standard errors from 1 or more in every second run.
    12 rounds decide 1.34 at a scatter of 0.2, and 1.12 at 0.075.
    """
    reach = resolvable(rounds, scatter)
    return reach * max(reach * _exp(0.6745 * scatter / math.sqrt(rounds)), 1 + margin)


def _half_width(rounds: int, confidence: float) -> float:
    return float(stdtrit(rounds - 1, (1 + confidence) / 2)) / math.sqrt(rounds)


def _exp(value: float) -> float:
    return math.exp(value) if value < 709 else math.inf  # two wild rounds may reach beyond the largest float


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


class Verdict(StrEnum):
    """What an interval says about a contender."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    INCONCLUSIVE = "inconclusive"


def verdict(estimate: Estimate, floor: Estimate | None, *, margin: float = MARGIN, lower_is_better: bool = True) -> Verdict:
    """Judge the interval against `margin` and against the noise `floor`, the interval of the A/A control.

    The margin reaches from 1/(1 + margin) to 1 + margin; the floor reaches as far, either way, as its end
    farther from 1. Then

    - better, worse: the whole interval lies beyond the margin and beyond the floor, on that side;
    - same: the whole interval lies within the margin, and so does the floor;
    - inconclusive: everything else; more rounds may settle it, unless the effect is as large as the margin.

    `floor` None means that no control was run and only the margin counts. `lower_is_better` holds for times
    and costs; pass False for throughput, where better means a ratio above 1.
    """
    if not (margin > 0 and math.isfinite(margin)):
        raise ValueError(f"margin is {margin!r}: it must be positive and finite")
    band = math.log1p(margin)
    noise = max(abs(_log(floor.low)), abs(_log(floor.high))) if floor else 0.0
    low, high, needed = _log(estimate.low), _log(estimate.high), max(band, noise)
    if low > needed:
        return Verdict.WORSE if lower_is_better else Verdict.BETTER
    if high < -needed:
        return Verdict.BETTER if lower_is_better else Verdict.WORSE
    if -band <= low and high <= band and noise <= band:
        return Verdict.SAME
    return Verdict.INCONCLUSIVE


def outliers(values: Sequence[float]) -> list[int]:
    """Indices of values more than OUTLIER_LIMIT robust standard deviations from the median, as in hyperfine.

    A robust standard deviation is 1.4826 times the median absolute deviation; where more than half of the
    values are equal it is 0, and any other value is an outlier. Fewer than FEW_ROUNDS values have none:
    of three clean values one in ten sets would show one, of five one in thirty, of eight one in 500.
    """
    if len(values) < FEW_ROUNDS:
        return []
    distances = np.abs(np.asarray(values, float) - np.median(values))
    limit = OUTLIER_LIMIT * 1.4826 * np.median(distances)
    return [int(index) for index in np.flatnonzero(distances > limit)]


def instabilities(values: Sequence[float]) -> list[str]:
    """What is suspicious in the positive `values` of one contender, one a round; empty when nothing is."""
    if not len(values):
        return ["no rounds"]
    array = np.asarray(values, float)
    mean, found = float(array.mean()), []
    if len(array) < FEW_ROUNDS:
        found.append(f"fewer than {FEW_ROUNDS} rounds: {len(array)}")
    if len(array) > 1 and (spread := float(array.std(ddof=1)) / mean) > SCATTER_LIMIT:
        found.append(f"standard deviation is {spread:.1%} of the mean, more than {SCATTER_LIMIT:.0%}")
    for name, value in (("smallest", float(array.min())), ("largest", float(array.max()))):
        if (distance := abs(value - mean) / mean) > RANGE_LIMIT:
            found.append(f"{name} value is {distance:.1%} from the mean, more than {RANGE_LIMIT:.0%}")
    if odd := outliers(values):
        found.append(f"outliers in rounds {', '.join(str(index + 1) for index in odd)}")
    return found
