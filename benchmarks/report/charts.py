"""The pictures: SVG by Altair, the same bytes from the same data. Pure.

They have a white ground of their own, so that they are read in light and dark. What is found is told by shape and word as well as
by colour (blue and orange, after Okabe and Ito): a failure is the loudest mark, what is undecided the quietest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import altair as alt
import vl_convert

from benchmarks.analysis.verdict import MARGIN, Finding
from benchmarks.report.numbers import ratio, three

FONT = "DejaVu Sans, Verdana, sans-serif"
INK, SOFT, RULE = "#1f2328", "#6e7781", "#d8dee4"
FILLS = {"fails": "#1f2328", "worse": "#d55e00", "better": "#0072b2", "same": "#c9d1d9", "undecided": "#ffffff", "": "#ffffff"}
WORDS = {"fails": "#ffffff", "worse": "#ffffff", "better": "#ffffff", "same": INK, "undecided": SOFT, "": SOFT}
SHAPES = {"worse": "triangle-down", "better": "triangle-up", "same": "square", "undecided": "circle"}
LINES = {"worse": "#d55e00", "better": "#0072b2", "same": "#57606a", "undecided": "#b6bec8"}
"""How a class of findings is drawn."""
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#6e7781", "#1f2328", "#882255", "#b9b44e")


def kind(finding: Finding) -> str:
    """The class of a finding, out of `FILLS`: slightly better is better."""
    verdict = finding.verdict
    if finding.problem:
        return "fails"
    return verdict.broadly if verdict else ""


def _svg(chart: Any, title: str, rows: Sequence[Any]) -> str:
    """The picture of a chart of the data `rows`, records or mappings: by name, for Altair copies what it is given."""
    made = chart.properties(title=alt.Title(title, anchor="start", fontSize=15, color=INK, dy=-6))
    made = made.configure(font=FONT, background="white", padding=10, view=alt.ViewConfig(stroke=None))
    made = made.configure_axis(labelFontSize=13, titleFontSize=13, titleFontWeight="normal", labelColor=INK, titleColor=SOFT)
    made = made.configure_legend(labelFontSize=13, titleFontSize=13, labelColor=INK, orient="bottom", columns=3, symbolSize=110)
    made = made.configure_header(labelFontSize=14, labelColor=INK, labelAnchor="start")
    spec = {**made.to_dict(validate=False), "datasets": {"rows": [row if isinstance(row, dict) else asdict(row) for row in rows]}}
    return str(vl_convert.vegalite_to_svg(spec)) + "\n"


ROWS = alt.NamedData(name="rows")


@dataclass(frozen=True)
class Square:
    """A field of a grid: what was found, and its word."""

    row: str
    column: str
    kind: str
    word: str

    @classmethod
    def of(cls, row: str, column: str, finding: Finding) -> Self:
        """Of a finding: its ratio, ✗ where it fails, nothing where it was not measured."""
        found = kind(finding)
        return cls(row, column, found, "✗" if found == "fails" else "" if finding.estimate is None else ratio(finding.estimate))


def grid(title: str, squares: Sequence[Square]) -> str:
    """Rows of a kind of request, columns of contenders; empty fields were not measured."""
    columns = list(dict.fromkeys(one.column for one in squares))
    rows = list(dict.fromkeys(one.row for one in squares))
    is_wide = len(columns) > 6
    top = alt.Axis(orient="top", labelAngle=-90 if is_wide else -35, labelLimit=300, title=None, ticks=False, domain=False)
    left = alt.Axis(title=None, labelLimit=300, ticks=False, domain=False)
    x = alt.X("column:N", sort=columns, scale=alt.Scale(domain=columns), axis=top)
    base = alt.Chart(ROWS).encode(x=x, y=alt.Y("row:N", sort=rows, scale=alt.Scale(domain=rows), axis=left))
    fills = alt.Color("kind:N", scale=alt.Scale(domain=list(FILLS), range=list(FILLS.values())), legend=None)
    words = alt.Color("kind:N", scale=alt.Scale(domain=list(WORDS), range=list(WORDS.values())), legend=None)
    marks = base.mark_rect(stroke=RULE, strokeWidth=1).encode(color=fills)
    texts = base.mark_text(fontSize=14).encode(text="word:N", color=words)
    layers = alt.layer(marks, texts).resolve_scale(color="independent")
    shown = [one for one in squares if one.kind]
    return _svg(layers.properties(width=(42 if is_wide else 54) * len(columns), height=30 * len(rows)), title, shown)


@dataclass(frozen=True)
class Dot:
    """A ratio with its interval."""

    group: str
    name: str
    kind: str
    ratio: float
    low: float
    high: float
    word: str

    @classmethod
    def of(cls, group: str, name: str, finding: Finding) -> Self:
        """Of a finding; one that fails is at 1."""
        found = finding.estimate
        low, high = (max(found.low, 0.05), min(found.high, 20.0)) if found else (1.0, 1.0)
        return cls(group, name, kind(finding), found.ratio if found else 1.0, low, high, "✗ fails" if finding.problem else "")


def dots(title: str, axis: str, found: Sequence[Dot]) -> str:
    """Ratios to the baseline on a logarithmic axis, by group; the band around 1 is of no interest."""
    shown = [one for one in found if one.kind]
    names = list(dict.fromkeys(one.name for one in shown))
    low, high = min((one.low for one in shown), default=1.0), max((one.high for one in shown), default=1.0)
    ticks = [
        tick for tick in (0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 3, 4, 6, 8, 12) if low * 0.9 <= tick <= high * 1.1
    ]
    if high / low > 2:
        ticks = [tick for tick in ticks if tick not in (0.9, 1.1)]
    kinds = [one for one in SHAPES if any(dot.kind == one for dot in shown)]
    scale = alt.Scale(type="log", nice=False, domain=[min(low, 0.9) * 0.97, max(high, 1.1) * 1.03])
    y = alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=220, ticks=False, domain=False))
    colour = alt.Color("kind:N", title=None, scale=alt.Scale(domain=kinds, range=[LINES[one] for one in kinds]))
    shape = alt.Shape("kind:N", title=None, scale=alt.Scale(domain=kinds, range=[SHAPES[one] for one in kinds]))

    x = alt.X("ratio:Q", title=axis, scale=scale, axis=alt.Axis(values=ticks, format="~g"))
    sound = alt.Chart().transform_filter(alt.datum.kind != "fails").encode(y=y, color=colour)
    band = alt.Chart().mark_rect(color="#eef1f4").encode(x=alt.XDatum(1 / (1 + MARGIN), scale=scale), x2=alt.datum(1 + MARGIN))
    line = sound.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    point = sound.mark_point(size=90, filled=True, opacity=1).encode(x=x, shape=shape)
    fails = alt.Chart().transform_filter(alt.datum.kind == "fails").encode(x=x, y=y, text="word:N")
    fails = fails.mark_text(align="left", fontSize=14, fontWeight="bold", color="#b00020")
    layers = alt.layer(band, line, point, fails, data=ROWS).properties(width=340, height=alt.Step(26))
    return _svg(_below(layers, "group", [one.group for one in shown]), title, shown)


def _below(chart: Any, field: str, panels: Iterable[str]) -> Any:
    """A panel below the other for each value of the field."""
    header = alt.Header(labelOrient="top", labelAngle=0, labelFontWeight="bold", labelPadding=2, title=None)
    found = chart.facet(row=alt.Row(f"{field}:N", sort=list(dict.fromkeys(panels)), header=header), spacing=12)
    return found.resolve_scale(y="independent")


@dataclass(frozen=True)
class Point:
    """A value of a contender at a place on the axis, with its range, in a panel."""

    panel: str
    name: str
    x: str
    y: float
    low: float
    high: float


def lines(title: str, across: str, up: str, points: Sequence[Point], *, is_log: bool = False) -> str:
    """A panel below the other for each case, a line for each contender, told apart by colour, shape and name."""
    names, places = (list(dict.fromkeys(getattr(one, field) for one in points)) for field in ("name", "x"))
    shapes = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-left", "triangle-right"]
    x = alt.X("x:O", sort=places, title=across, axis=alt.Axis(labelAngle=0))
    scale = alt.Scale(type="log" if is_log else "linear", zero=not is_log)
    axis = (
        alt.Axis(format="~g", values=[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]) if is_log else alt.Axis(tickCount=6)
    )
    y = alt.Y("y:Q", title=up, scale=scale, axis=axis)
    colour = alt.Color("name:N", sort=names, title=None, scale=alt.Scale(domain=names, range=list(PALETTE[: len(names)])))
    shape = alt.Shape("name:N", sort=names, title=None, scale=alt.Scale(domain=names, range=shapes[: len(names)]))

    base = alt.Chart().encode(x=x, color=colour)
    line = base.mark_line(strokeWidth=2).encode(y=y)
    ranges = base.mark_rule(strokeWidth=1.5, strokeOpacity=0.5).encode(
        y=alt.Y("low:Q", title=up, scale=scale, axis=axis), y2="high:Q"
    )
    point = base.mark_point(size=70, filled=True, opacity=1).encode(y=y, shape=shape)
    layers = alt.layer(line, ranges, point, data=ROWS).properties(width=430, height=190)
    return _svg(_below(layers, "panel", [one.panel for one in points]), title, points)


@dataclass(frozen=True)
class Bar:
    """A length, of a part of a whole where there are several of a name, in a panel."""

    panel: str
    name: str
    part: str
    value: float


def bars(title: str, axis: str, found: Sequence[Bar]) -> str:
    """Lengths side by side, stacked where there are parts, with the sum in words."""
    names, parts = (list(dict.fromkeys(getattr(one, field) for one in found)) for field in ("name", "part"))
    y = alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=220, ticks=False, domain=False))
    sums: dict[tuple[str, str], float] = {}
    for one in found:
        sums[one.panel, one.name] = sums.get((one.panel, one.name), 0.0) + one.value
    legend = alt.Undefined if len(parts) > 1 else None
    colours = alt.Scale(domain=parts, range=[PALETTE[place % len(PALETTE)] for place in range(len(parts))])
    colour = alt.Color("part:N", sort=parts, title=None, scale=colours, legend=legend)
    scale = alt.Scale(domain=[0, max(sums.values(), default=1.0) * 1.12])
    x = alt.X("value:Q", title=axis, stack="zero", scale=scale, axis=alt.Axis(tickCount=6))
    ranked = alt.Chart().transform_calculate(rank=f"indexof({parts!r}, datum.part)")
    bar = ranked.mark_bar(height=16).encode(x=x, y=y, color=colour, order=alt.Order("rank:Q"))
    words = alt.Chart().transform_filter("datum.word").encode(x="sum:Q", y=y, text="word:N")
    words = words.mark_text(align="left", dx=4, fontSize=13, color=INK)
    layers = alt.layer(bar, words, data=ROWS).properties(width=340, height=alt.Step(24))
    last = {(one.panel, one.name): one for one in found}
    rows = [
        {**asdict(one), "sum": total, "word": three(total) if one is last[one.panel, one.name] else ""}
        for one in found
        if (total := sums[one.panel, one.name])
    ]
    return _svg(_below(layers, "panel", [one.panel for one in found]), title, rows)
