"""The verdicts on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.raw.micro import Run
from benchmarks.report.prose import answer
from benchmarks.report.render import cells, floor, where
from benchmarks.report.summary import Comparison, summarize
from benchmarks.stats import Verdict

STYLES = {Verdict.FASTER: "green", Verdict.SLOWER: "red", Verdict.SAME: "cyan", Verdict.INCONCLUSIVE: "dim"}
COLUMNS = (("", 15), ("wall µs", 8), ("ratio", 18), ("verdict", 12), ("CPU µs", 8), ("ratio", 18), ("verdict", 12))
"""Names and widths; without the microseconds on a narrow terminal."""
WIDE = sum(width for _, width in COLUMNS) + 2 * len(COLUMNS)


def show(run: Run) -> None:
    """Print a table for each group, and what they say."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    comparisons = summarize(run)
    console.print("Ratios to the first of each group, with their 95 % intervals")
    for comparison in comparisons:
        console.print(f"\n[bold]{escape(where(comparison))}[/] (A/A {floor(comparison)})")
        console.print(_table(comparison, wide=console.width >= WIDE))
    for sentence in answer(run, comparisons):
        console.print(f"\n{sentence.replace('**', '')}", markup=False)


def _table(comparison: Comparison, *, wide: bool) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    shown = [place for place, (name, _) in enumerate(COLUMNS) if wide or not name.endswith("µs")]
    for place in shown:
        name, width = COLUMNS[place]
        table.add_column(name, width=width, no_wrap=True, justify="right" if name.endswith("µs") else "left")
    styled = {verdict.value: f"[{style}]{verdict.value}[/]" for verdict, style in STYLES.items()}
    for row in comparison.rows:
        texts = [f"{row.contender}", *(["fails", *[""] * 5] if row.problem else cells(row))]
        table.add_row(*(styled.get(texts[place], escape(texts[place])) for place in shown))
    return table
