"""The location of heavy-tailed values, and how they scatter within and between the groups they come in."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.analysis.slices import Floats

TRIMMED = 0.2
"""Of the values at either end (R. Wilcox, Introduction to Robust Estimation and Hypothesis Testing, 2012)."""
FEW = 3
"""Values a group on average: of fewer none is trimmed, for too little would be left to tell their scatter from."""
LARGEST = 0.9
"""Autocorrelation: beyond it neighbours tell next to nothing."""


@dataclass(frozen=True, slots=True)
class Location:
    """A trimmed mean of `values` values in `groups` groups, and two variances of it with their degrees of freedom.

    `within` is what the scatter of values within groups lets expect, 0 with no freedom where each group has a single value;
    `between` is what the scatter of the groups says, 0 with no freedom where there is one. If groups add nothing of their own,
    both estimate the same.
    """

    middle: float
    within: float
    within_freedom: int
    between: float
    between_freedom: int
    values: int
    groups: int


def location(groups: Sequence[Floats]) -> Location:
    """The mean of the 20 % trimmed means of the rows, with an analysis of variance of the winsorized values.

    Each group has shape (rows, values), with the same rows: a contender's log-ratios to each of its references, say. Each row is
    trimmed by itself, and not their mean: of two servers that are the same the log-ratio is symmetric, whatever the weather,
    while the distance to the mean of two is skewed (a stall of one reference counts half), which moves its trimmed mean.

    The variance of a trimmed mean is that of the winsorized values, averaged over the rows, with h of N values left: a single
    group gives SS / h(h - 1) with h - 1 degrees of freedom, which is Yuen's (Biometrika 61, 1974), as in `scipy.stats`. With
    fewer than three values a group nothing is trimmed. Within groups it grows by (1 + r)/(1 - r) where neighbours are correlated.

    Raises ValueError for no value, groups of different rows, or a value that is not finite.
    """
    rows = np.concatenate([group for group in groups if group.shape[1]] or [np.empty((1, 0))], axis=1)
    count = rows.shape[1]
    if not count or not np.isfinite(rows).all():
        raise ValueError(f"values must be finite, and at least one: {count} in {len(groups)} groups")
    sizes = np.array([group.shape[1] for group in groups if group.shape[1]])
    cut = int(TRIMMED * count) if count >= FEW * len(sizes) else 0
    kept = np.sort(rows, axis=1)[:, cut : count - cut]
    left = count - 2 * cut
    winsorized = np.clip(rows, kept[:, :1], kept[:, -1:]).mean(axis=0)
    parts = [winsorized[end - size : end] for size, end in zip(sizes, np.cumsum(sizes), strict=True)]
    means = np.array([np.add.reduce(part) / len(part) for part in parts])  # np.mean and np.split take half of all time here
    residuals = [part - mean for part, mean in zip(parts, means, strict=True)]
    correlation = max(0.0, autocorrelation(residuals))
    inside = sum(float(one @ one) for one in residuals) * (1 + correlation) / (1 - correlation)
    across = float(sizes @ (means - winsorized.mean()) ** 2)
    trimming = (count - 1) / (left * (left - 1)) if left > 1 else 0.0
    inner, outer = count - len(sizes), len(sizes) - 1
    return Location(
        middle=float(kept.mean()),
        within=inside / inner * trimming if inner else 0.0,
        within_freedom=left - len(sizes),
        between=across / outer * trimming if outer else 0.0,
        between_freedom=outer,
        values=count,
        groups=len(sizes),
    )


def autocorrelation(series: Sequence[Floats]) -> float:
    """Between neighbours within each of some series of centred values, one number for all; 0 where there are none.

    Centring a series on its own mean pulls its autocorrelation down, by about 1/n where there is none (M. Kendall, Biometrika
    41, 1954), which is put back.
    """
    pairs = [one for one in series if len(one) > 1]
    squares = sum(float(one @ one) for one in pairs)
    if not squares:
        return 0.0
    found = sum(float(one[1:] @ one[:-1]) for one in pairs) / squares
    return min(found + len(pairs) / sum(map(len, pairs)), LARGEST)
