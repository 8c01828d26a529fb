"""Latency percentiles in bounded space."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

GROWTH = 1.0199  # width of a histogram bucket: its middle is within sqrt(GROWTH) - 1 < 1 % of all in it
SMALLEST = 1e-6  # seconds; shorter times are counted as this
MOST = 2**53  # what no amount in a file reaches: a float holds whole numbers up to here


@dataclass(slots=True)
class Histogram:
    """Times in seconds, counted in buckets that grow by GROWTH: percentiles are within 1 % of the exact ones.

    `counts` maps bucket number to count. Histograms of the same kind add up without further loss.
    """

    counts: Counter[int] = field(default_factory=Counter)
    shortest: float = math.inf
    longest: float = 0.0
    total: float = 0.0

    @property
    def count(self) -> int:
        """How many times were recorded."""
        return self.counts.total()

    def record(self, seconds: npt.ArrayLike) -> None:
        """Add one time or an array of them.

        Raises ValueError, with nothing recorded, if one is negative or not finite.
        """
        values = np.atleast_1d(np.asarray(seconds, float))
        if not values.size:
            return
        if bad := np.flatnonzero(~(np.isfinite(values) & (values >= 0))).tolist():
            raise ValueError(f"seconds[{bad[0]}] is {values[bad[0]]}: it must be finite and not negative")
        buckets = np.floor(np.log(np.maximum(values, SMALLEST) / SMALLEST) / math.log(GROWTH)).astype(int)
        for bucket, count in zip(*np.unique(buckets, return_counts=True), strict=True):
            self.counts[int(bucket)] += int(count)
        self.shortest = min(self.shortest, float(values.min()))
        self.longest = max(self.longest, float(values.max()))
        self.total += float(values.sum())

    @classmethod
    def of(cls, seconds: npt.ArrayLike) -> Self:
        """A histogram of these times."""
        histogram = cls()
        histogram.record(seconds)
        return histogram

    @classmethod
    def merged(cls, histograms: Iterable["Histogram"]) -> Self:
        """All that these recorded, together."""
        together = cls()
        for histogram in histograms:
            together.merge(histogram)
        return together

    def merge(self, other: "Histogram") -> None:
        """Add all that `other` recorded."""
        self.counts.update(other.counts)
        self.shortest = min(self.shortest, other.shortest)
        self.longest = max(self.longest, other.longest)
        self.total += other.total

    def percentile(self, percent: float) -> float:
        """The time in seconds that `percent` of all did not exceed (nearest rank); 0 and 100 are exact.

        Within 1 % of the exact value, or within SMALLEST where that is larger. ValueError when empty.
        """
        if not 0 <= percent <= 100:
            raise ValueError(f"percent is {percent!r}: it must lie between 0 and 100")
        if not self.counts:
            raise ValueError("an empty histogram has no percentiles")
        if percent == 0:
            return self.shortest
        rank = math.ceil(round(percent / 100 * self.count, 9))  # 0.07 * 100 is 7.000000000000001
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= rank:
                break
        middle = SMALLEST * GROWTH ** (bucket + 0.5)
        return self.longest if percent == 100 else min(max(middle, self.shortest), self.longest)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; the buckets' layout goes with them."""
        return {
            "growth": GROWTH,
            "smallest": SMALLEST,
            "shortest": self.shortest if self.counts else None,
            "longest": self.longest,
            "total": self.total,
            "counts": {str(bucket): self.counts[bucket] for bucket in sorted(self.counts)},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The histogram that `to_json` wrote; ValueError when its buckets are laid out differently."""
        if (layout := (data["growth"], data["smallest"])) != (GROWTH, SMALLEST):
            raise ValueError(f"histogram buckets are laid out as {layout}, not as {(GROWTH, SMALLEST)}")
        counts = Counter({int(bucket): int(count) for bucket, count in data["counts"].items()})
        if not all(0 <= count < MOST for count in counts.values()):
            raise ValueError("counts of a histogram are out of range")
        shortest = math.inf if data["shortest"] is None else float(data["shortest"])
        return cls(counts, shortest, float(data["longest"]), float(data["total"]))
