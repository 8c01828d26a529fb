"""What all pictures share: colours, shapes, frame, legend. Pure.

They are legible on light and dark pages, and told apart by shape and dash where colours cannot be: the colours are those of
Okabe and Ito (2008), which colour-blind readers tell apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH = 920
LINE = 16
STYLE = """
svg { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif;
  --page: #ffffff; --ink: #1f2328; --soft: #59636e; --rule: #d1d9e0; --band: #eef1f4; --noise: #c5ccd3;
  --blue: #0072b2; --sky: #2b9fdc; --green: #009e73; --orange: #e69f00; --vermillion: #d55e00; --purple: #c2649a; }
@media (prefers-color-scheme: dark) { svg {
  --page: #151b23; --ink: #f0f6fc; --soft: #9198a1; --rule: #3d444d; --band: #212830; --noise: #59636e;
  --blue: #3f9fe0; --sky: #7cc8f2; --green: #1fbf90; --orange: #f0b030; --vermillion: #ee7722; --purple: #dd8fbc; } }
.page { fill: var(--page); } .band { fill: var(--band); } .noise { fill: var(--noise); }
text { fill: var(--ink); } .soft { fill: var(--soft); } .strong { font-weight: 600; } .small { font-size: 11px; }
.rule { stroke: var(--rule); } .one { stroke: var(--soft); stroke-width: 1.5; } .open { fill: none; stroke: var(--rule); }
"""


@dataclass(frozen=True)
class Look:
    """How a contender is drawn; `hollow` marks have dashed lines."""

    colour: str
    shape: str
    hollow: bool = False


LOOKS = {
    "sync-threads": Look("ink", "circle"),
    "sync-threads-1": Look("soft", "circle"),
    "sync-threads-16": Look("soft", "circle", hollow=True),
    "sync-threads-64": Look("ink", "circle", hollow=True),
    "sync-gevent": Look("green", "triangle"),
    "async-documented": Look("purple", "diamond"),
    "async-documented-nullpool": Look("purple", "diamond", hollow=True),
    "async-wsgi-to-asgi": Look("vermillion", "triangle", hollow=True),
    "async-loop": Look("orange", "square"),
    "async-loop-psycopg": Look("orange", "square", hollow=True),
    "async-native": Look("blue", "circle"),
    "async-native-psycopg": Look("sky", "circle", hollow=True),
    "documented": Look("purple", "diamond"),
    "loop": Look("orange", "square"),
    "native": Look("blue", "circle"),
}
OTHER = Look("soft", "square", hollow=True)
"""Of a contender that has no look of its own."""


def look(name: str) -> Look:
    """How the contender is drawn."""
    return LOOKS.get(name, OTHER)


def picture(title: str, description: str, height: float, body: Iterable[str]) -> str:
    """The whole document; the description is what a reader who cannot see it should know."""
    size = f'width="{WIDTH}" height="{height:.0f}"'
    view = f'viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-labelledby="title desc"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view}>',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(description)}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect class="page" {size} rx="6"/>',
            *body,
            "</svg>",
            "",
        ]
    )


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start", more: str = "") -> str:
    """A line of text, its anchor at x and its foot at y."""
    classes = f' class="{kind}"' if kind else ""
    side = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text{classes} x="{x:.1f}" y="{y:.1f}"{side}{more}>{escape(words)}</text>'


def mark(x: float, y: float, one: Look, size: float = 4.5) -> str:
    """The shape, in its colour."""
    paint = f'fill="var(--{one.colour})"'
    if one.hollow:
        paint = f'fill="var(--page)" stroke="var(--{one.colour})" stroke-width="1.8"'
    if one.shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" {paint}/>'
    if one.shape == "triangle":
        corners = f"{x:.1f},{y - size:.1f} {x - size:.1f},{y + size * 0.8:.1f} {x + size:.1f},{y + size * 0.8:.1f}"
        return f'<polygon points="{corners}" {paint}/>'
    turn = f' transform="rotate(45 {x:.1f} {y:.1f})"' if one.shape == "diamond" else ""
    side = size * 0.9
    return f'<rect x="{x - side:.1f}" y="{y - side:.1f}" width="{2 * side:.1f}" height="{2 * side:.1f}" {paint}{turn}/>'


def stroke(one: Look) -> str:
    """The attributes of its lines."""
    dash = ' stroke-dasharray="5 3"' if one.hollow else ""
    return f'stroke="var(--{one.colour})" stroke-width="1.8" fill="none"{dash}'


def legend(names: Sequence[str], top: float) -> tuple[list[str], float]:
    """Marks with names, in as many lines as it takes, and where the next thing may begin."""
    body, x, y = [], 16.0, top
    for name in names:
        width = 40 + 6.9 * len(name)
        if x + width > WIDTH - 10:
            x, y = 16.0, y + LINE + 2
        body += [
            f'<line x1="{x:.1f}" x2="{x + 18:.1f}" y1="{y:.1f}" y2="{y:.1f}" {stroke(look(name))}/>',
            mark(x + 9, y, look(name)),
            text(x + 24, y + 4, name),
        ]
        x += width
    return body, y + LINE


def titled(title: str, body: Iterable[str]) -> Iterator[str]:
    """A group with a tooltip."""
    yield f"<g><title>{escape(title)}</title>"
    yield from body
    yield "</g>"
