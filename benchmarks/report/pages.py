"""From the tree to pages: Markdown by templates, and the pictures beside them. Pure: the same runs give the same bytes."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.hazards.hazard import MODELS
from benchmarks.report import numbers
from benchmarks.report.claims import Collector, Outcome, Say
from benchmarks.report.comparisons import DATABASES
from benchmarks.report.model import Report, Seen
from benchmarks.report.pictures import MEBI, Drawing, pictures
from benchmarks.report.situations import CHOICES, QUANTITIES
from benchmarks.report.terminal import answer_cells

TEMPLATES = Path(__file__).with_name("templates")
PAGES = {
    "verdicts": ("load",),
    "costs": ("load",),
    "latency": ("load",),
    "counts": ("counts", "clock"),
    "hazards": ("hazards",),
    "validity": ("load",),
    "environment": ("runs",),
}
"""The pages of docs/results, and the parts of the tree that each is of."""
UNITS: Mapping[str, Callable[[float], str]] = {
    "percent": numbers.percent,
    "ratio": numbers.three,
    "ms": numbers.three,
    "count": lambda value: f"{value:,.0f}",
}


@dataclass(frozen=True)
class Links:
    """From RESULTS.md to the folder of the pages, with a slash at its end; from there to raw files by kind, to reproductions."""

    pages: str
    raw: Mapping[str, str]
    reproductions: str


@dataclass(frozen=True)
class Rendered:
    """The first page, the answer table of the README, pages and pictures by name, and the conclusions of the first page."""

    first: str
    answers: str
    pages: Mapping[str, str]
    pictures: Mapping[str, Drawing]
    claims: Collector


def render(report: Report, links: Links, *, published: bool, only_first: bool = False) -> Rendered:
    """All pages: the published ones, with conclusions, or those of another run; or its first page without pictures alone."""
    drawn = {} if only_first else pictures(report)
    claims = Collector(report.load.cells if report.load else ())
    names = [] if only_first else [name for name, parts in PAGES.items() if any(getattr(report, part) for part in parts)]
    common: dict[str, Any] = {
        "report": report,
        "claim": claims.claim,
        "says": Say,
        "pictures": drawn,
        "page_names": names,
        "choices": CHOICES,
        "databases": DATABASES,
        "quantities": QUANTITIES,
        "models": MODELS,
        "mebi": MEBI,
        "sheet": answer_cells,
        "cell": _hazard,
        "shown": lambda one, value: UNITS[one.unit](value),
        "raw": links.raw,
        "reproductions": links.reproductions,
        "tally": Counter({outcome.value: 0 for outcome in Outcome} | Counter(one.outcome.value for one in report.held)),
    }
    first = {**common, "pages": links.pages, "has_sections": published}
    opening = _text("RESULTS.md" if published and report.load else "yours.md", first)
    answers = _text("README.md", first).strip() if report.load else ""
    pages = {name: _text(f"{name}.md", {**common, "pages": ""}) for name in names}
    return Rendered(opening, answers, pages, drawn, claims)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701
    )
    made.filters |= {one.__name__: one for one in numbers.FILTERS}
    return made


def _text(name: str, context: Mapping[str, Any]) -> str:
    text = _environment().get_template(f"{name}.jinja").render(context)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.splitlines())).strip() + "\n"


def _hazard(one: Seen, model: str) -> str:
    """What a side did, with its mark."""
    side = one.sides.get(model)
    if side is None:
        return ""
    ours = "✎" if one.hazard.by_hand else "⚠" if one.hazard.price else "✓"
    return f"{'✗' if side.broken else '✓' if model == 'documented' else ours} {numbers.text(side.outcome)}"
