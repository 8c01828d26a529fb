"""How numbers are written. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.analysis.calibration import UNLIKELY, Calibration
from benchmarks.analysis.estimate import Estimate


def ratio(value: float) -> str:
    """Two decimals below 10, one below 100: 0.87, 1.20, 12.3, 140."""
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:,.0f}"


def interval(estimate: Estimate, unit: str = "round") -> str:
    """A ratio with its 95 % interval."""
    if estimate.restarts < 2:
        return f"{ratio(estimate.ratio)} [one {unit}]"
    return f"{ratio(estimate.ratio)} [{ratio(estimate.low)}, {ratio(estimate.high)}]"


def control(estimate: Estimate | None, unit: str = "round") -> str:
    """The ratio of the A/A control."""
    return "-" if estimate is None else interval(estimate, unit)


def calibrated(found: Calibration) -> str:
    """How many of the control's intervals contain 1, and what follows."""
    said = f"{found.contain:,} of {found.intervals:,} intervals contain 1"
    if found.probability < UNLIKELY:
        widened = f": all are widened by {ratio(found.factor)}" if found.factor > 1 else ""
        return f"{said}, too few for intervals of 95 %{widened}"
    return f"{said}, as intervals of 95 % may (so few, or fewer, with a probability of {percent(found.probability, 0)})"


def percent(value: float, digits: int = 1) -> str:
    """0.034 is 3.4 %; what is ten times as large, or more, is said to be so."""
    return f"{100 * value:.{digits}f} %" if value < 10 else "> 1000 %"


def three(value: float) -> str:
    """Three digits at least: 0.52, 48.1, 512, 12,345."""
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:,.0f}"


def span(texts: Sequence[str]) -> str:
    """From the first to the last: 1 to 6; 6 if they are the same."""
    return " to ".join(dict.fromkeys((*texts[:1], *texts[-1:])))


def listed(names: Sequence[str]) -> str:
    """One; one and two; one, two and three."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def plural(count: int, word: str) -> str:
    """1 round, 2 rounds."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def spread(values: Sequence[float], scale: float = 1.0) -> str:
    """The median, and from where to where the values go: 512 [498, 530]; `-` for none."""
    if not values:
        return "-"
    middle, least, most = (three(scale * found(values)) for found in (statistics.median, min, max))
    return f"{middle} [one round]" if len(values) == 1 else f"{middle} [{least}, {most}]"
