"""The hazards as a section of the report: from a run, and the catalogue's texts, to Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.hazards.catalogue import HAZARDS
from benchmarks.hazards.hazard import MODELS, Hazard
from benchmarks.raw.hazards import Run, Side

HEADINGS = ("hazard", "documented path", "async-loop", "async-native", "since")


def render(run: Run, *, reproductions: str = "benchmarks/hazards/reproductions", level: int = 2) -> str:
    """A summary table, then an entry with an anchor for each hazard that was run.

    Args:
        run: what was seen.
        reproductions: the folder of the scripts, as the report links to it.
        level: of the section's heading.
    """
    hazards = [HAZARDS[name] for name in run.header.hazards if name in HAZARDS]
    return "\n".join(
        [*_summary(run, hazards, level), *(line for one in hazards for line in _entry(run, one, reproductions, level))]
    )


def _summary(run: Run, hazards: list[Hazard], level: int) -> Iterable[str]:
    packages = run.header.environment["packages"]
    shown = ", ".join(
        f"{name} {packages[name]}" for name in ("flask", "advanced-alchemy", "sqlalchemy", "asgiref") if name in packages
    )
    broken = {model: sum(bool(side and side.broken) for side in (run.side(h.name, model) for h in hazards)) for model in MODELS}
    by_hand = ", ".join(f"[{h.name.upper()}](#{h.anchor})" for h in hazards if h.by_hand)
    prices = "".join(f"; [{h.name.upper()}](#{h.anchor}) is a price of this runtime: {h.price}" for h in hazards if h.price)
    yield f"{'#' * level} Hazards"
    yield ""
    yield (
        f"What goes wrong with async routes as documented, seen with {shown}: the documented path is broken in"
        f" {broken['documented']} of {len(hazards)} entries, `async-loop` in {broken['async-loop']}, `async-native` in"
        f" {broken['async-native']}. Each side ran in a process of its own; the cells say what was observed: ✗ is broken, ✓"
        " works; ✎ works, but only with the other code that the entry shows, for the runtime itself cures nothing in"
        f" {by_hand}. Where the documented path has ✓ too, the entry answers what people ask{prices} (⚠). *Since* is the first"
        " release known to have it; none is known that is free of it. Some of it befalls synchronous Flask apps as well, as the"
        " entries say; those were not run."
    )
    yield ""
    yield f"| {' | '.join(HEADINGS)} |"
    yield f"|{' --- |' * len(HEADINGS)}"
    for hazard in hazards:
        cells = [_cell(hazard, run.side(hazard.name, model)) for model in MODELS]
        since = f"{hazard.package} {hazard.since}" if hazard.recorded else ""
        yield f"| [{hazard.name.upper()}](#{hazard.anchor}) {' | '.join([hazard.title, *cells, since])} |"
    yield ""


def _entry(run: Run, hazard: Hazard, reproductions: str, level: int) -> Iterable[str]:
    yield f'<a id="{hazard.anchor}"></a>'
    yield ""
    yield f"{'#' * (level + 1)} {hazard.name.upper()}. {hazard.title}"
    yield ""
    yield f"- **What one writes:** {hazard.writes} [Reproduction]({reproductions}/{hazard.script.name}), without this project."
    yield f"- **What happens:** {hazard.happens}"
    yield f"- **Why:** {hazard.why}"
    yield f"- **Instead:** {hazard.instead}"
    yield f"- **On this runtime:** {hazard.ours}"
    for model in MODELS:
        if (side := run.side(hazard.name, model)) is not None:
            database = "" if side.database == "none" else f" on {side.database}"
            errors = (
                f"; raised: {'; '.join(f'`{_plain(error)}`' for error in side.errors[:2])}" if side.broken and side.errors else ""
            )
            yield f"- Seen, `{model}`{database}: {_cell(hazard, side)}{errors}"
    yield ""


def _cell(hazard: Hazard, side: Side | None) -> str:
    if side is None:
        return ""
    ours = "✎" if hazard.by_hand else "⚠" if hazard.price else "✓"
    return f"{'✗' if side.broken else '✓' if side.model == 'documented' else ours} {_plain(side.outcome)}"


def _plain(text: str) -> str:
    """Without what would end a cell or a span of code."""
    return " ".join(text.replace("|", "/").replace("`", "'").split())
