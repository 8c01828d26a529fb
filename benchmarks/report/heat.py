"""Heat maps: ratios as tiles, coloured by what their verdicts say. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.analysis.estimate import Estimate
from benchmarks.analysis.verdict import Verdict
from benchmarks.report.numbers import interval, ratio
from benchmarks.report.svg import WIDTH, picture, text, titled

GLYPHS = dict(zip(Verdict, "▲△=▽▼?", strict=True))
COLOURS = {verdict: "blue" if verdict.gains else "vermillion" for verdict in Verdict if verdict.gains or verdict.loses}
KEY = (
    ("▲ better than the baseline, △ slightly", "blue"),
    ("▼ worse, ▽ slightly", "vermillion"),
    ("= the same within the margin", "noise"),
    ("? undecided", ""),
    ("✗ fails", ""),
)
STEPS = ((1.15, 0.18), (1.5, 0.32), (2.5, 0.46), (math.inf, 0.6))
"""Up to which ratio, or its inverse, a tile is how opaque."""
SLIGHT = 0.1
"""How opaque it is where it is only slightly better or worse."""
HEIGHT = 22


@dataclass(frozen=True)
class Tile:
    """A ratio with its verdict; or, without an estimate, a failure."""

    title: str
    estimate: Estimate | None
    verdict: Verdict | None


@dataclass(frozen=True)
class Panel:
    """Tiles in rows and columns; None where nothing was measured. A row without tiles is a heading."""

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Tile | None]]]
    corner: str = ""


@dataclass(frozen=True)
class Layout:
    """Sizes of a picture of panels of equal shape, so many `across`; only the first of a line has labels, if `shared`."""

    across: int
    labels: float
    column: float
    shared: bool = False
    slanted: bool = False


def draw(title: str, description: str, panels: Sequence[Panel], layout: Layout) -> str:
    """The picture."""
    body, top = list(_key()), 34.0
    for start in range(0, len(panels), layout.across):
        line = panels[start : start + layout.across]
        x = 16.0
        for place, panel in enumerate(line):
            labelled = not (layout.shared and place)
            left = x + (layout.labels if labelled else 0)
            body += _panel(panel, x if labelled else None, left, top, layout)
            x = left + layout.column * len(panel.columns) + 22
        top += _head(layout) + HEIGHT * max(len(panel.rows) for panel in line) + 14
    return picture(title, description, top, body)


def _head(layout: Layout) -> float:
    return 138 if layout.slanted else 44


def _key() -> Iterator[str]:
    x = 16.0
    for words, colour in KEY:
        fill = f'fill="var(--{colour})" fill-opacity="0.4"' if colour else 'class="open"'
        yield f'<rect {fill} x="{x:.1f}" y="11" width="14" height="14" rx="3"/>'
        yield text(x + 20, 22, words)
        x += 38 + 6.4 * len(words)


def _panel(panel: Panel, labels: float | None, left: float, top: float, layout: Layout) -> Iterator[str]:
    yield text(left, top + 14, panel.title, "strong")
    below = top + _head(layout)
    if labels is not None and panel.corner:
        yield text(left - 8, below - 6, panel.corner, "soft small", "end")
    for place, column in enumerate(panel.columns):
        x = left + layout.column * (place + 0.5)
        if layout.slanted:
            turn = f' transform="rotate(-50 {x:.1f} {below - 6:.1f})"'
            yield text(x, below - 6, column, "small", more=turn)
        else:
            yield text(x, below - 6, column, "soft small", "middle")
    for number, (label, tiles) in enumerate(panel.rows):
        y = below + HEIGHT * number
        if labels is not None:
            side = 16 if not tiles else left - 8
            yield text(side, y + 15, label, "" if tiles else "strong", "end" if tiles else "start")
        for place, tile in enumerate(tiles):
            if tile:
                yield from _tile(tile, left + layout.column * place, y, layout.column)


def _tile(tile: Tile, x: float, y: float, width: float) -> Iterator[str]:
    box = f'x="{x + 1:.1f}" y="{y + 1:.1f}" width="{width - 2:.1f}" height="{HEIGHT - 2}" rx="3"'
    kind, words, said = "small", "✗", tile.title
    paint = 'class="open"'
    if tile.estimate and tile.verdict:
        said += f": {interval(tile.estimate)}, {tile.verdict.value}"
        words = f"{GLYPHS[tile.verdict]} {ratio(tile.estimate.ratio)}"
        if tile.verdict in COLOURS:
            away = math.exp(abs(math.log(tile.estimate.ratio)))
            clear = tile.verdict in (Verdict.BETTER, Verdict.WORSE)
            opacity = next(opacity for limit, opacity in STEPS if away <= limit) if clear else SLIGHT
            paint = f'fill="var(--{COLOURS[tile.verdict]})" fill-opacity="{opacity}"'
        elif tile.verdict is Verdict.SAME:
            paint = 'fill="var(--noise)" fill-opacity="0.4"'
        else:
            kind = "small soft"
    yield from titled(said, [f"<rect {paint} {box}/>", text(x + width / 2, y + 15, words, kind, "middle")])


def fitting(columns: int, panels: int, labels: float) -> float:
    """The width of a column when so many panels share the labels of the first, and the last name leans over the edge."""
    return min(52.0, (WIDTH - 92 - labels - 22 * (panels - 1)) / max(1, columns * panels))
