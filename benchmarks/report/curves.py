"""Small multiples of curves: one panel for each case, one curve for each contender. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.report.svg import WIDTH, legend, look, mark, picture, stroke, text, titled

PLOT, GAP, LEFT = 170.0, 26.0, 46.0


@dataclass(frozen=True)
class Point:
    """Where a mark is, in the units of the axes, and how far it scatters."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """A contender's points, from left to right."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Panel:
    """A case: its title and what is drawn."""

    title: str
    curves: Sequence[Curve]


@dataclass(frozen=True)
class Axes:
    """Names of the axes, the ticks of x with their words, how x is placed, and whether y is logarithmic."""

    x: str
    y: str
    ticks: Sequence[tuple[float, str]]
    place: Callable[[float], float]
    logarithmic: bool
    across: int = 3


def draw(title: str, description: str, panels: Sequence[Panel], axes: Axes) -> str:
    """The picture."""
    names = list(dict.fromkeys(curve.name for panel in panels for curve in panel.curves))
    body, top = legend(names, 18)
    body.append(text(16, top + 4, f"{axes.y} (upright), {axes.x} (along)", "soft"))
    top += 22
    width = (WIDTH - 32 - GAP * (axes.across - 1)) / axes.across
    for number, panel in enumerate(panels):
        left = 16 + (number % axes.across) * (width + GAP)
        above = top + (number // axes.across) * (PLOT + 56)
        body += _panel(panel, axes, left, above, width)
    lines = math.ceil(len(panels) / axes.across)
    return picture(title, description, top + lines * (PLOT + 56) + 4, body)


def _panel(panel: Panel, axes: Axes, left: float, top: float, width: float) -> Iterator[str]:
    yield text(left, top + 10, panel.title, "strong")
    start, end, below = left + LEFT, left + width - 8, top + 22 + PLOT
    ends = [axes.place(tick) for tick, _ in axes.ticks]
    highest = max((point.high for curve in panel.curves for point in curve.points), default=1.0)
    lowest = min((point.low for curve in panel.curves for point in curve.points), default=0.0)
    marks = _decades(lowest, highest) if axes.logarithmic else _round_steps(highest)

    def x(value: float) -> float:
        return start + 6 + (axes.place(value) - ends[0]) / max(ends[-1] - ends[0], 1e-9) * (end - start - 12)

    def y(value: float) -> float:
        one, two = (math.log(marks[0]), math.log(marks[-1])) if axes.logarithmic else (marks[0], marks[-1])
        place = math.log(max(value, marks[0])) if axes.logarithmic else value
        return below - (place - one) / (two - one) * PLOT

    for value in marks:
        yield f'<line class="rule" x1="{start:.1f}" x2="{end:.1f}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        yield text(start - 5, y(value) + 4, f"{value:,.10g}", "soft small", "end")
    for value, words in axes.ticks:
        yield text(x(value), below + 15, words, "soft small", "middle")
    for curve in panel.curves:
        yield from _curve(curve, x, y)


def _curve(curve: Curve, x: Callable[[float], float], y: Callable[[float], float]) -> Iterator[str]:
    one = look(curve.name)
    if len(curve.points) > 1:
        along = " ".join(f"{x(point.x):.1f},{y(point.y):.1f}" for point in curve.points)
        yield f'<polyline points="{along}" {stroke(one)}/>'
    for point in curve.points:
        said = f"{curve.name}: {point.y:,.4g} [{point.low:,.4g}, {point.high:,.4g}]"
        spread = f'x1="{x(point.x):.1f}" x2="{x(point.x):.1f}" y1="{y(point.low):.1f}" y2="{y(point.high):.1f}"'
        bar = f'<line {spread} stroke="var(--{one.colour})" stroke-width="1" opacity="0.6"/>'
        yield from titled(said, [bar, mark(x(point.x), y(point.y), one, 3.6)])


def _round_steps(highest: float) -> list[float]:
    """From 0 in four or so steps of 1, 2, 2.5 or 5 times a power of ten, to above the highest."""
    power: float = 10.0 ** math.floor(math.log10(max(highest, 1e-9) / 4))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor * 4 >= highest)
    return [step * number for number in range(math.ceil(highest / step) + 1)] if highest > 0 else [0.0, 1.0]


def _decades(lowest: float, highest: float) -> list[float]:
    """1, 2 and 5 times powers of ten, from below the lowest to above the highest; fewer where they are many."""
    low = math.floor(math.log10(max(lowest, 1e-6)))
    high = math.ceil(math.log10(max(highest, 1e-6)))
    every = [factor * 10.0**power for power in range(low, high + 1) for factor in (1, 2, 5)]
    first = max(place for place, value in enumerate(every) if value <= max(lowest, 1e-6) * 1.000001)
    last = min((place for place, value in enumerate(every) if value >= highest), default=len(every) - 1)
    chosen = every[first : max(last, first + 1) + 1]
    return chosen if len(chosen) <= 8 else sorted({chosen[0], chosen[-1], *(v for v in chosen if f"{v:e}".startswith("1"))})
