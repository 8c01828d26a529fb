"""A forest plot: ratios with their intervals, a line each, in panels side by side. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.analysis.estimate import Estimate
from benchmarks.analysis.verdict import MARGIN
from benchmarks.report.numbers import interval
from benchmarks.report.svg import WIDTH, Look, legend, look, mark, picture, stroke, text, titled

TICKS = (0.05, 0.1, 0.25, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
LABELS, GAP, LINE = 220, 24, 11
Scale = tuple[float, float]


@dataclass(frozen=True)
class Panel:
    """A quantity, and what it means to lie to the right of 1."""

    name: str
    right: str


@dataclass(frozen=True)
class Line:
    """A contender: an estimate for each panel, None where there is none; or why it failed."""

    name: str
    estimates: tuple[Estimate | None, ...]
    problem: object = None


@dataclass(frozen=True)
class Item:
    """What is compared, its lines, and for each panel the A/A control's estimate. A `heading` opens a part."""

    heading: str
    title: str
    lines: tuple[Line, ...]
    controls: tuple[Estimate | None, ...]


def draw(title: str, description: str, panels: Sequence[Panel], items: Sequence[Item]) -> str:
    """The picture."""
    names = list(dict.fromkeys(line.name for item in items for line in item.lines))
    head, top = legend(names, 18)
    head.append(f'<rect class="noise" x="16" y="{top - 6}" width="26" height="10" rx="2"/>')
    head.append(text(48, top + 3, f"A/A control: the baseline again; the band around 1: the margin of {100 * MARGIN:.0f} %"))
    top += 50
    scales = [_scale(items, place) for place in range(len(panels))]
    body: list[str] = []
    height, heading = top, None
    for item in items:
        if item.heading != heading:
            heading = item.heading
            body.append(text(16, height + 6, heading, "strong"))
            height += 18
        body += _item(item, height, scales)
        height += LINE * max(1, len(item.lines)) + 12
    axes = [part for place, panel in enumerate(panels) for part in _axis(panel, place, top, height, scales)]
    return picture(title, description, height + 8, [*head, *axes, *body])


def _scale(items: Sequence[Item], place: int) -> Scale:
    """Ratios at both ends of the axis: all marks and the ends of their intervals, within the outermost ticks."""
    ends = [1 / 1.3, 1.3]
    for item in items:
        for estimate in (line.estimates[place] for line in item.lines if line.estimates):
            if estimate:
                ends += [estimate.ratio, *(end for end in (estimate.low, estimate.high) if end > 0)]
    finite = [end for end in ends if math.isfinite(end)]
    return max(min(finite) / 1.06, TICKS[0]), min(max(finite) * 1.06, TICKS[-1])


def _x(ratio: float, place: int, scales: Sequence[Scale]) -> float:
    low, high = scales[place]
    width = (WIDTH - LABELS - 16 - GAP * (len(scales) - 1)) / len(scales)
    part = math.log(min(max(ratio, low), high) / low) / math.log(high / low)
    return round(LABELS + place * (width + GAP) + part * width, 1)


def _axis(panel: Panel, place: int, top: float, bottom: float, scales: Sequence[Scale]) -> Iterator[str]:
    scale = scales[place]
    left, right = _x(scale[0], place, scales), _x(scale[1], place, scales)
    low, high = _x(1 / (1 + MARGIN), place, scales), _x(1 + MARGIN, place, scales)
    yield f'<rect class="band" x="{low}" y="{top - 8}" width="{high - low:.1f}" height="{bottom - top:.0f}"/>'
    yield text(left, top - 28, panel.name, "strong")
    yield text(right, top - 28, f"{panel.right} →", "soft", "end")
    former = -math.inf
    for tick in sorted(TICKS, key=lambda tick: abs(math.log(tick))):
        x = _x(tick, place, scales)
        if scale[0] <= tick <= scale[1]:
            yield f'<line class="{"one" if tick == 1 else "rule"}" x1="{x}" x2="{x}" y1="{top - 6}" y2="{bottom - 8}"/>'
    for tick in TICKS:
        x = _x(tick, place, scales)
        if scale[0] <= tick <= scale[1] and (x - former > 24 or tick == 1):
            former = x
            yield text(x, top - 10, f"{tick:g}", "soft", "middle")


def _item(item: Item, top: float, scales: Sequence[Scale]) -> Iterator[str]:
    yield text(24, top + LINE * len(item.lines) / 2 + 3, item.title)
    for place in range(len(scales)):
        control = item.controls[place]
        if control and control.restarts > 1:
            left, right = _x(control.low, place, scales), _x(control.high, place, scales)
            width, height = max(right - left, 1), LINE * len(item.lines) - 2
            yield f'<rect class="noise" x="{left}" y="{top}" width="{width:.1f}" height="{height}" rx="2"/>'
        for number, line in enumerate(item.lines):
            y = top + number * LINE + LINE / 2 - 1
            if line.problem:
                yield text(_x(scales[place][1], place, scales), y + 4, f"{line.name}: fails", "soft small", "end")
            elif estimate := line.estimates[place]:
                yield from titled(f"{item.title}, {line.name}: {interval(estimate)}", _estimate(line, estimate, y, place, scales))


def _estimate(line: Line, estimate: Estimate, y: float, place: int, scales: Sequence[Scale]) -> Iterator[str]:
    shape = look(line.name)
    if estimate.restarts > 1:
        yield from _whisker(estimate, y, place, scales, shape)
    yield mark(_x(estimate.ratio, place, scales), y, shape, 4)


def _whisker(estimate: Estimate, y: float, place: int, scales: Sequence[Scale], shape: Look) -> Iterator[str]:
    left, right = _x(estimate.low or scales[place][0], place, scales), _x(estimate.high, place, scales)
    yield f'<line x1="{left}" x2="{right}" y1="{y}" y2="{y}" {stroke(shape)}/>'
