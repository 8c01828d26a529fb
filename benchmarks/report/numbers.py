"""How numbers are written: the filters of the templates. Pure."""

import re
import statistics
from collections.abc import Sequence

from benchmarks.analysis.estimate import Estimate

NONE = "-"


def ratio(value: float | Estimate | None) -> str:
    """Two decimals below 10, one below 100: 0.87, 1.20, 12.3, 140; of an estimate its ratio."""
    found = value.ratio if isinstance(value, Estimate) else value
    return NONE if found is None else three(found)


def interval(estimate: Estimate | None, unit: str = "round") -> str:
    """A ratio with its 95 % interval, in as many decimals as it takes to show that it has a width."""
    if estimate is None:
        return NONE
    if estimate.restarts < 2:
        return f"{ratio(estimate)} [one {unit}]"
    found = (estimate.ratio, estimate.low, estimate.high)
    shown = [ratio(one) for one in found]
    if shown[1] == shown[2]:
        shown = [f"{one:.3f}" for one in found]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"


def percent(value: float | None, digits: int = 1) -> str:
    """0.034 is 3.4 %; what is ten times as large, or more, is said to be so."""
    return NONE if value is None else f"{100 * value:.{digits}f} %" if value < 10 else "> 1000 %"


def three(value: float | None) -> str:
    """Three digits at least: 0.52, 48.1, 512, 12,345."""
    if value is None:
        return NONE
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:,.0f}"


def plural(count: int, word: str) -> str:
    """1 round, 2 rounds, 3 passes."""
    return f"{count:,} {word}{'' if count == 1 else 'es' if word.endswith('s') else 's'}"


def middle(values: Sequence[float], scale: float = 1.0) -> str:
    """The median."""
    return three(scale * statistics.median(values)) if values else NONE


def spread(values: Sequence[float], scale: float = 1.0) -> str:
    """The median, and from where to where the values go: 512 [498, 530]; `-` for none."""
    if len(values) < 2:
        return middle(values, scale)
    return f"{middle(values, scale)} [{three(scale * min(values))}, {three(scale * max(values))}]"


def text(words: str) -> str:
    """In one line that ends no cell of a table and no span of code."""
    return " ".join(words.replace("|", "/").replace("`", "'").split())


def reason(problem: str) -> str:
    """A problem in one short line, without what differs from run to run: objects in angle brackets, folders."""
    found = text(problem)
    while (shorter := re.sub(r"\s*<[^<>]*>", "", found)) != found:
        found = shorter
    found = re.sub(r"(?<![\w.])/(?:[\w.+-]+/)+", "", re.sub(r"\s*<.*", " ...", found))
    return found if len(found) <= 150 else found[:147].rstrip() + "..."


FILTERS = (ratio, interval, percent, three, plural, middle, spread, text, reason)
