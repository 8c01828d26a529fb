"""A forest plot of the ratios as SVG. Pure; legible on light and dark pages, and by shape where colours cannot be told apart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from benchmarks.report.numbers import interval
from benchmarks.report.prose import DATABASES
from benchmarks.report.summary import Comparison, Quantity
from benchmarks.stats import MARGIN, Estimate

MODELS = {"documented": ("#cc79a7", "diamond"), "loop": ("#e69f00", "square"), "native": ("#0072b2", "circle")}
"""Colour and shape of each; the colours are told apart by colour-blind readers (Okabe and Ito 2008)."""
QUANTITIES: dict[Quantity, str] = {"wall": "wall time", "cpu": "CPU time"}
TICKS = (0.25, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
WIDTH, LABELS, GAP, LINE, TOP = 900, 230, 24, 13, 58
PANEL = (WIDTH - LABELS - GAP - 16) / 2
STYLE = """
svg { font: 12px system-ui, sans-serif;
  --page: #ffffff; --ink: #1f2328; --soft: #59636e; --rule: #d1d9e0; --band: #eef1f4; --noise: #c5ccd3; }
@media (prefers-color-scheme: dark) { svg {
  --page: #151b23; --ink: #f0f6fc; --soft: #9198a1; --rule: #3d444d; --band: #212830; --noise: #59636e; } }
.page { fill: var(--page); } .band { fill: var(--band); } .noise { fill: var(--noise); }
text { fill: var(--ink); } .soft { fill: var(--soft); } .strong { font-weight: 600; }
.rule { stroke: var(--rule); } .one { stroke: var(--soft); stroke-width: 1.5; }
"""


def draw(comparisons: Sequence[Comparison]) -> str:
    """The picture: a panel for wall and one for CPU time, the operations of each database below each other."""
    shown = [one for label in DATABASES for one in comparisons if one.group.database == label]
    height, body = TOP, []
    for label, name in DATABASES.items():
        chosen = [one for one in shown if one.group.database == label]
        if chosen:
            body.append(f'<text class="strong" x="16" y="{height + 4}">{name}</text>')
            height += 16
        for one in chosen:
            body += _operation(one, height, _scale(shown))
            height += LINE * len(_models(one)) + 14
        height += 10 if chosen else 0
    size = f'width="{WIDTH}" height="{height + 8}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {height + 8}" role="img">',
            "<title>Ratios to sync with their 95 % intervals</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="page" {size} rx="6"/>',
            *_legend(),
            *_axes(height, _scale(shown)),
            *body,
            "</svg>",
            "",
        ]
    )


def _scale(shown: Sequence[Comparison]) -> tuple[float, float]:
    """Ratios at both ends of the axis: all marks and the ends of their intervals, within the outermost ticks."""
    ends = [1 / 1.3, 1.3]
    for one in shown:
        for row in one.rows:
            for measured in row.measured.values():
                if measured.estimate:
                    ends += [measured.estimate.ratio, *(e for e in (measured.estimate.low, measured.estimate.high) if e > 0)]
    finite = [end for end in ends if math.isfinite(end)]
    return max(min(finite) / 1.06, TICKS[0]), min(max(finite) * 1.06, TICKS[-1])


def _x(ratio: float, panel: int, scale: tuple[float, float]) -> float:
    low, high = scale
    part = math.log(min(max(ratio, low), high) / low) / math.log(high / low)
    return round(LABELS + panel * (PANEL + GAP) + part * PANEL, 1)


def _legend() -> Iterator[str]:
    x = 16.0
    for model, (colour, shape) in MODELS.items():
        yield _mark(x + 5, 18, colour, shape)
        yield f'<text x="{x + 14}" y="22">{model}</text>'
        x += 34 + 7 * len(model)
    yield f'<rect class="noise" x="{x}" y="13" width="26" height="10" rx="2"/><text x="{x + 32}" y="22">A/A control</text>'


def _axes(bottom: float, scale: tuple[float, float]) -> Iterator[str]:
    for panel, name in enumerate(QUANTITIES.values()):
        left, right = _x(scale[0], panel, scale), _x(scale[1], panel, scale)
        low, high = _x(1 / (1 + MARGIN), panel, scale), _x(1 + MARGIN, panel, scale)
        yield f'<rect class="band" x="{low}" y="{TOP - 8}" width="{high - low:.1f}" height="{bottom - TOP:.0f}"/>'
        yield f'<text class="strong" x="{left}" y="36">{name}, ratio to sync</text>'
        yield f'<text class="soft" x="{right}" y="36" text-anchor="end">costs more →</text>'
        for tick in TICKS:
            if scale[0] <= tick <= scale[1]:
                x = _x(tick, panel, scale)
                kind = "one" if tick == 1 else "rule"
                yield f'<line class="{kind}" x1="{x}" x2="{x}" y1="{TOP - 4}" y2="{bottom - 8}"/>'
                yield f'<text class="soft" x="{x}" y="{TOP - 8}" text-anchor="middle">{tick:g}</text>'


def _models(one: Comparison) -> list[str]:
    return [model for model in MODELS if model in one.group.contenders]


def _operation(one: Comparison, top: float, scale: tuple[float, float]) -> Iterator[str]:
    models = _models(one)
    yield f'<text x="24" y="{top + LINE * len(models) / 2 + 4:.1f}">{escape(one.group.title)}</text>'
    for panel, quantity in enumerate(QUANTITIES):
        noise = one.floor.get(quantity)
        if noise and noise.rounds > 1:
            left, right = _x(noise.low, panel, scale), _x(noise.high, panel, scale)
            height = LINE * len(models) - 3
            yield f'<rect class="noise" x="{left}" y="{top}" width="{max(right - left, 1):.1f}" height="{height}" rx="2"/>'
        for place, model in enumerate(models):
            row = one.row(model)
            y = top + place * LINE + LINE / 2 - 1
            measured = row.measured.get(quantity)
            if row.problem:
                right = _x(scale[1], panel, scale)
                yield f'<text class="soft" x="{right}" y="{y + 4:.1f}" text-anchor="end">{model}: fails</text>'
            elif measured and measured.estimate:
                yield from _estimate(f"{one.group.title}, {model}", measured.estimate, y, panel, scale, MODELS[model])


def _estimate(
    name: str, estimate: Estimate, y: float, panel: int, scale: tuple[float, float], look: tuple[str, str]
) -> Iterator[str]:
    colour, shape = look
    left, right = _x(estimate.low or scale[0], panel, scale), _x(estimate.high, panel, scale)
    yield f"<g><title>{escape(name)}: {escape(interval(estimate, 'pass'))}</title>"
    yield f'<line x1="{left}" x2="{right}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"/>'
    yield _mark(_x(estimate.ratio, panel, scale), y, colour, shape) + "</g>"


def _mark(x: float, y: float, colour: str, shape: str) -> str:
    if shape == "circle":
        return f'<circle cx="{x}" cy="{y}" r="4.5" fill="{colour}"/>'
    turn = f' transform="rotate(45 {x} {y})"' if shape == "diamond" else ""
    return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"{turn}/>'
