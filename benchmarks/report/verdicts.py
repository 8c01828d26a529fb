"""The verdicts on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.analysis.micro import Comparison, summarize
from benchmarks.analysis.verdict import Verdict
from benchmarks.raw.load import Run as LoadRun
from benchmarks.raw.micro import Run
from benchmarks.report import load_summary, numbers
from benchmarks.report.load_summary import Quantity, Row, deciding
from benchmarks.report.micro_part import cells, control, where
from benchmarks.report.numbers import interval, plural
from benchmarks.report.prose import DATABASES, answer

STYLES = {
    Verdict.BETTER: "bold green",
    Verdict.SLIGHTLY_BETTER: "green",
    Verdict.SAME: "cyan",
    Verdict.SLIGHTLY_WORSE: "red",
    Verdict.WORSE: "bold red",
    Verdict.UNDECIDED: "dim",
}
STYLED = {verdict.value: f"[{style}]{verdict.value}[/]" for verdict, style in STYLES.items()}
COLUMNS = (("", 15), ("wall µs", 8), ("ratio", 18), ("verdict", 15), ("CPU µs", 8), ("ratio", 18), ("verdict", 15))
"""Names and widths; without the microseconds on a narrow terminal."""
WIDE = sum(width for _, width in COLUMNS) + 2 * len(COLUMNS)
LOAD_COLUMNS = (("", 27), ("CPU/request", 21), ("verdict", 15), ("requests/s", 21), ("verdict", 15))
JUDGED: tuple[Quantity, ...] = ("cpu", "throughput")


def show(run: Run) -> None:
    """Print a table for each group of the in-process comparison, and what they say."""
    console = _console()
    comparisons = summarize(run)
    console.print("Ratios to the first of each group, with their 95 % intervals")
    for comparison in comparisons:
        console.print(f"\n[bold]{escape(where(comparison))}[/] (A/A {escape(control(comparison))})")
        console.print(_table(comparison, wide=console.width >= WIDE))
    for sentence in answer(run, comparisons):
        console.print(f"\n{sentence.replace('**', '')}", markup=False)


def show_load(run: LoadRun) -> None:
    """Print a table for each database of the load benchmark: every contender in every scenario, at one concurrency."""
    console = _console()
    chosen = deciding(load_summary.summarize(run))
    console.print(f"Ratios to {run.header.baseline} of neighbouring slices, with their 95 % intervals; A/A: the baseline again")
    for database in dict.fromkeys(one.database for one in chosen):
        console.print(f"\n[bold]{DATABASES.get(database, 'No database')}[/]")
        here = [one for one in chosen if one.database == database]
        console.print(_load_table(here))
        for reason in _reasons(here):
            console.print(f" {reason}", markup=False)


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    return console


def _table(comparison: Comparison, *, wide: bool) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    shown = [place for place in range(len(COLUMNS)) if wide or not COLUMNS[place][0].endswith("µs")]
    for place in shown:
        name, width = COLUMNS[place]
        table.add_column(name, width=width, no_wrap=True, justify="right" if name.endswith("µs") else "left")
    for row in comparison.rows:
        texts = [f"{row.contender}", *(["fails", *[""] * 5] if row.problem else cells(row))]
        table.add_row(*(STYLED.get(texts[place], escape(texts[place])) for place in shown))
    return table


def _load_table(comparisons: Sequence[load_summary.Comparison]) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for name, width in LOAD_COLUMNS:
        table.add_column(name, width=width, no_wrap=True)
    for one in comparisons:
        first, second = (f"[dim]A/A {escape(numbers.control(one.control.get(quantity)))}[/]" for quantity in JUDGED)
        table.add_row(f"[bold]{one.scenario}[/], {one.load.name}", first, f"[dim]{plural(one.rounds, 'round')}[/]", second, "")
        for row in one.rows:
            table.add_row(f" {row.contender}", *_load_cells(row, one.baseline))
    return table


def _load_cells(row: Row, baseline: str) -> Iterator[str]:
    if row.problem:
        yield "[red]fails[/]"
        return
    for quantity in JUDGED:
        measured = row.measured.get(quantity)
        if measured is None:
            yield from ("not measured", "")
        elif measured.estimate is None or measured.verdict is None:
            yield from ("1", "baseline") if row.contender == baseline else ("no baseline", "")
        else:
            yield from (escape(interval(measured.estimate)), STYLED[measured.verdict.value])


def _reasons(comparisons: Sequence[load_summary.Comparison]) -> Iterator[str]:
    """Why contenders fail, a line for each reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in comparisons:
        for row in one.rows:
            if row.problem:
                found.setdefault((row.contender, str(row.problem)), []).append(one.scenario)
    for (contender, problem), scenarios in found.items():
        yield f"{contender} fails in {', '.join(scenarios)}: {problem}"
