"""What is printed in the end: verdicts, the answer sheet and counts, as tables without lines."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.analysis.answers import Answer
from benchmarks.analysis.instructions import RESOLUTION, InstructionRow
from benchmarks.analysis.micro import summarize
from benchmarks.analysis.verdict import Finding, Verdict
from benchmarks.raw import NO_DATABASE
from benchmarks.raw.load import LoadRun
from benchmarks.raw.micro import MicroRun
from benchmarks.report.comparisons import DATABASES, Comparison, comparisons, deciding
from benchmarks.report.numbers import interval, plural
from benchmarks.subjects.layers import LAYERS

STYLES: dict[str, str] = {
    Verdict.BETTER: "bold green",
    Verdict.SLIGHTLY_BETTER: "green",
    Verdict.SAME: "cyan",
    Verdict.SLIGHTLY_WORSE: "red",
    Verdict.WORSE: "bold red",
    Verdict.UNDECIDED: "dim",
    "fails": "bold red",
}


def plain(*headings: str) -> Table:
    """A table without lines."""
    return Table(*headings, box=None, padding=(0, 1), header_style="dim")


def show(width: int, *parts: str | Table, said: Iterable[str] = ()) -> None:
    """Print the parts, and below them what is `said`, which has no markup; in so many columns where there is no terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = width
    for part in parts:
        console.print(part)
    for sentence in said:
        console.print(sentence, markup=False)


def show_micro(run: MicroRun) -> None:
    """Print the in-process comparison, an operation after the other."""
    table = _verdicts("wall time", "CPU time")
    for (database, title), rows in groupby(summarize(run), lambda row: (row.database, row.title)):
        table.add_row(f"[bold]{escape(title)}, {DATABASES[database]}[/]", "", "", "", "")
        for row in rows:
            table.add_row(f" {row.contender}", *_cells([row.finding("wall"), row.finding("cpu")], "pass"))
    show(110, "Ratios to the first of each operation, with their 95 % intervals", table)


def show_load(run: LoadRun) -> None:
    """Print every contender in every scenario of the load benchmark, at one concurrency, and why some fail."""
    table = _verdicts("CPU/request", "requests/s")
    chosen = deciding(comparisons(run))
    for one in chosen:
        again = (f"[dim]A/A {escape(interval(one.control.get(quantity)))}[/]" for quantity in ("cpu", "throughput"))
        first, second = again
        table.add_row(f"[bold]{one.where}[/]", first, f"[dim]{plural(one.rounds, 'round')}[/]", second, "")
        for row in one.rows:
            table.add_row(f" {row.contender}", *_cells([row.finding("cpu"), row.finding("throughput")]))
    title = f"Ratios to {run.header.baseline} of neighbouring slices, with their 95 % intervals"
    show(110, title, table, said=_reasons(chosen))


def _verdicts(first: str, second: str) -> Table:
    table = plain()
    for name in ("", first, "verdict", second, "verdict"):
        table.add_column(name, no_wrap=True)
    return table


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


def show_answers(answers: Sequence[Answer]) -> None:
    """Print a line for each question, and how many are answered; nothing where nothing was asked."""
    if not answers:
        return
    table = plain("question", "answer", "ratio", "verdict")
    for one in answers:
        *cells, verdict = answer_cells(one)
        table.add_row(*map(escape, cells), f"[{STYLES[verdict]}]{verdict}[/]")
    what = "Ratios are of CPU time a request, or what the answer says; 95 % intervals."
    show(150, table, f"{sum(one.decided for one in answers)} of {len(answers)} answered. {what}")


def answer_cells(answer: Answer) -> tuple[str, str, str, str]:
    """Question, answer, ratio with interval, verdict: on the terminal and in the report."""
    found = answer.estimate
    shown = interval(found) if found and math.isfinite(found.half_width) else "-"
    verdict = "fails" if answer.problem is not None else (answer.verdict or Verdict.UNDECIDED).value
    return answer.question.asks, answer.sentence, shown, verdict


def show_counts(rows: Sequence[InstructionRow]) -> None:
    """Print a table of instructions and cycles for each scenario and database, peers side by side."""
    show(
        180,
        "Instructions and estimated cycles per request, in millions, each with its ratio to the first and with how far repeated",
        "counts lie apart; instructions by layer",
        f"What lies within {RESOLUTION:.0%} is level: so much depends on where objects lie in memory".replace("%", " %"),
    )
    for (database, scenario), peers in groupby(rows, lambda row: (row.database, row.scenario)):
        title = scenario if database == NO_DATABASE else f"{scenario}, {database}"
        show(180, f"\n[bold]{title}[/]", _counts(list(peers)))


def _counts(rows: Sequence[InstructionRow]) -> Table:
    shown = [layer for layer in LAYERS if any(layer in row.layers for row in rows)]
    table = plain()
    table.add_column("", width=25, no_wrap=True)
    for name in ("M instr.", "ratio", "apart", "M cycles", "ratio", "apart", *shown):
        table.add_column(name, justify="right")
    for row in rows:
        if row.instructions is None:
            table.add_row(row.contender, "fails")
            continue
        counts = (row.instructions, row.ratio, row.spread), (row.cycles, row.cycle_ratio, row.cycle_spread)
        layers = (f"{row.layers[layer] / 1e6:.3f}" if layer in row.layers else "" for layer in shown)
        table.add_row(row.contender, *(text for count in counts for text in _texts(*count)), *layers)
    return table


def _texts(count: float | None, ratio: float | None, spread: float | None) -> tuple[str, str, str]:
    return (
        "" if count is None else f"{count / 1e6:.3f}",
        "" if ratio is None else f"{ratio:.3f}",
        "" if spread is None else f"{100 * spread:.2f} %",
    )
