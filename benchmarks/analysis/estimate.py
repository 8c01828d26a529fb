"""One interval for all: of a contender's ratio, of a mean over several scenarios, of the change between two runs.

A *comparison* is a list of restarts (rounds, in which all servers were started anew), each an array of log-ratios as
`series.log_ratios` gives them: shape (references, slices), or (slices,).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from benchmarks.analysis.robust import Location, location
from benchmarks.analysis.slices import Floats

Comparison = Sequence[Floats]
PRIOR = 6
"""Degrees of freedom that a cell's restarts count for, beside a contender's own. Without its own they would have the last word
however many it has: of 12 recorded rounds, drawn in two sixes, the CPU ratio of `native`, which scatters from round to round as
no other does, seemed to have changed in 15 % of 150 draws, and in 11 % with a prior of 4; those alike had the 5 % wanted."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A ratio and its interval, from so many slices of the contender in so many restarts."""

    ratio: float
    low: float
    high: float
    slices: int
    restarts: int

    @property
    def half_width(self) -> float:
        """Of the interval of the ratio's logarithm: 0.025 is +-2.5 %."""
        return (math.log(self.high) - math.log(self.low)) / 2 if self.low > 0 and self.high < math.inf else math.inf

    def contains(self, ratio: float) -> bool:
        """Whether `ratio` lies in the interval."""
        return self.low <= ratio <= self.high

    def widened(self, factor: float) -> "Estimate":
        """The same with a half-width `factor` times as large."""
        return _interval(math.log(self.ratio), self.half_width * factor, self.slices, self.restarts)


@dataclass(frozen=True, slots=True)
class Spread:
    """How much more restarts scatter than their slices let expect: a quotient of variances, 1 where they add nothing."""

    quotient: float
    freedom: int


def spread(comparisons: Sequence[Comparison]) -> Spread:
    """The quotient of all contenders of a cell together: their servers are alike, and a few restarts of one tell little."""
    parts = [part for part in map(_location, comparisons) if part.within]
    freedom = sum(part.between_freedom for part in parts)
    total = sum(part.between_freedom * part.between / part.within for part in parts)
    return Spread(total / freedom if freedom else 1.0, freedom)


def contrast(
    strata: Sequence[Comparison],
    weights: Sequence[float] | None = None,
    *,
    spreads: Sequence[Spread] | None = None,
    resolution: float = 0.0,
    confidence: float = 0.95,
) -> Estimate:
    """exp of the weighted sum of the strata's locations, with its interval.

    One stratum: the ratio of a contender to its references. Several without weights: their geometric mean, as in stratified
    sampling, which says what an equal mix costs. Weights (-1, 1): how a ratio changed from one run to the next.

    The location of a stratum is the trimmed mean of its slices (`robust.location`). The interval is the wider of two: one by the
    scatter of slices within restarts, one by the scatter of restarts (T. Kalibera and R. Jones, Rigorous Benchmarking in
    Reasonable Time, 2013: repeat where variance arises). Restarts are few, so `spreads` has for each stratum how much they add in
    all comparisons of its cell (see `spread`); without, or where every restart has a single slice, it is the stratum's own
    restarts that count: Student's t on them. (Of single values, as of percentiles, nothing but their scatter is known, and it
    is not shared: of 3 restarts of five contenders one that scatters twice as much as the others would be missed in 20 %.)
    Degrees of freedom are Satterthwaite's (Biometrics Bulletin 2, 1946).

    Why so: in simulation from recorded slices (`proof`: CPU per request, two loaded cores, excess kurtosis 12; 95 % wanted), 5
    restarts of 6/12/24/48 slices covered 97/97/96/95 % with +-4.2/3.0/2.3/1.9 %, 3/4/6/8 restarts of 24 covered 98/97/96/97 %.
    Where a server's cost scattered from restart to restart by 1/2/4 %, 24 slices covered 96/94/94 %, but without a part for
    restarts 87/75/55 %, and with that part moderated towards none (Smyth 2004, four degrees of freedom for it) 97/93/90 %. At 24
    slices as recorded, intervals of the mean were +-3.8 %, of trimming restart by restart 2.6, of 10 % trimmed 2.5, of references
    averaged before trimming 2.5, of each contender's own restarts 2.6. Median half-widths; 400 to 1,500 runs each.

    `resolution` is what the clock resolves of a ratio's logarithm; no interval is narrower to either side. A stratum of a single
    restart gives (0, inf): it says nothing of the next. Raises ValueError for no stratum, one without slices, weights or spreads
    of another number, a log-ratio that is not finite.
    """
    if not strata:
        raise ValueError("there must be at least one stratum")
    shares = [1 / len(strata)] * len(strata) if weights is None else weights
    parts = [_location(stratum) for stratum in strata]
    found = [spread([stratum]) for stratum in strata] if spreads is None else spreads
    middle = sum(share * part.middle for share, part in zip(shares, parts, strict=True))
    slices, restarts = sum(part.values for part in parts), min(part.groups for part in parts)
    if restarts < 2:
        return _interval(middle, math.inf, slices, restarts)
    by_slices = [(share**2 * part.within, part.within_freedom) for share, part in zip(shares, parts, strict=True)]
    by_restarts = [
        (share**2 * variance, freedom)
        for share, part, one in zip(shares, parts, found, strict=True)
        for variance, freedom in [_by_restarts(part, one)]
    ]
    half = max(_half_width(by_slices, confidence), _half_width(by_restarts, confidence), resolution)
    return _interval(middle, half, slices, restarts)


def _by_restarts(part: Location, pooled: Spread) -> tuple[float, int]:
    """Variance by the scatter of restarts, and its degrees of freedom: the contender's own, moderated by that of its cell.

    Who differs from the others is heard the more the more restarts it has (G. Smyth, Statistical Applications in Genetics and
    Molecular Biology 3, 2004).
    """
    own = part.between_freedom
    if not (part.within and pooled.freedom):
        return part.between, own
    prior = min(PRIOR, pooled.freedom)
    total = prior * pooled.quotient * part.within + own * part.between
    return total / (prior + own), min(prior + own, pooled.freedom)


def _location(comparison: Comparison) -> Location:
    return location([np.atleast_2d(restart) for restart in comparison])


def _half_width(terms: Sequence[tuple[float, int]], confidence: float) -> float:
    """Of a sum of independent estimates with these variances and degrees of freedom."""
    total = sum(variance for variance, _ in terms)
    if not total:
        return 0.0
    freedom = total**2 / sum(variance**2 / freedom for variance, freedom in terms if variance)
    return float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(total)


def _interval(middle: float, half: float, slices: int, restarts: int) -> Estimate:
    return Estimate(_exp(middle), _exp(middle - half), _exp(middle + half), slices, restarts)


def _exp(value: float) -> float:
    return math.exp(value) if value < 709 else math.inf
