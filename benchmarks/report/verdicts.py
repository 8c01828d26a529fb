"""The verdicts on the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.analysis.micro import summarize
from benchmarks.analysis.verdict import Verdict
from benchmarks.raw.load import LoadRun
from benchmarks.raw.micro import MicroRun
from benchmarks.report.comparisons import DATABASES, Comparison, Finding, comparisons, deciding
from benchmarks.report.numbers import interval, plural

STYLES: dict[str, str] = {
    Verdict.BETTER: "bold green",
    Verdict.SLIGHTLY_BETTER: "green",
    Verdict.SAME: "cyan",
    Verdict.SLIGHTLY_WORSE: "red",
    Verdict.WORSE: "bold red",
    Verdict.UNDECIDED: "dim",
    "fails": "bold red",
}
WIDE = 110


def show(run: MicroRun) -> None:
    """Print the in-process comparison, an operation after the other."""
    table = _table("wall time", "CPU time")
    for one in summarize(run):
        table.add_row(f"[bold]{escape(one.group.title)}, {DATABASES[one.group.database]}[/]", "", "", "", "")
        for row in one.rows:
            found = [row.measured.get(quantity) for quantity in ("wall", "cpu")]
            findings = [Finding(each.estimate, each.verdict) if each else Finding(problem=row.problem) for each in found]
            table.add_row(f" {row.contender}", *_cells(findings, "pass"))
    _print("Ratios to the first of each operation, with their 95 % intervals", table)


def show_load(run: LoadRun) -> None:
    """Print every contender in every scenario of the load benchmark, at one concurrency, and why some fail."""
    table = _table("CPU/request", "requests/s")
    chosen = deciding(comparisons(run))
    for one in chosen:
        again = (f"[dim]A/A {escape(interval(one.control.get(quantity)))}[/]" for quantity in ("cpu", "throughput"))
        first, second = again
        table.add_row(f"[bold]{one.where}[/]", first, f"[dim]{plural(one.rounds, 'round')}[/]", second, "")
        for row in one.rows:
            table.add_row(f" {row.contender}", *_cells([row.finding("cpu"), row.finding("throughput")]))
    _print(f"Ratios to {run.header.baseline} of neighbouring slices, with their 95 % intervals", table, _reasons(chosen))


def _table(first: str, second: str) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for name in ("", first, "verdict", second, "verdict"):
        table.add_column(name, no_wrap=True)
    return table


def _print(title: str, table: Table, lines: Sequence[str] = ()) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    console.print(title)
    console.print(table)
    for line in lines:
        console.print(line, markup=False)


def _cells(findings: Sequence[Finding], unit: str = "round") -> list[str]:
    cells = []
    for one in findings:
        style = STYLES.get(one.word, "dim")
        cells += [escape(interval(one.estimate, unit)) if one.estimate else "", f"[{style}]{one.word or 'baseline'}[/]"]
    return cells


def _reasons(chosen: Sequence[Comparison]) -> list[str]:
    found: dict[tuple[str, str], list[str]] = {}
    for one in chosen:
        for row in one.rows:
            if row.problem:
                found.setdefault((row.contender, str(row.problem)), []).append(one.scenario)
    return [f"{contender} fails in {', '.join(scenarios)}: {problem}" for (contender, problem), scenarios in found.items()]
