"""The answer sheet: a line for each question, on the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.analysis.answers import Answer
from benchmarks.analysis.verdict import Verdict
from benchmarks.report.numbers import ratio

STYLES = {
    Verdict.BETTER: "green",
    Verdict.SLIGHTLY_BETTER: "green",
    Verdict.SAME: "cyan",
    Verdict.SLIGHTLY_WORSE: "red",
    Verdict.WORSE: "red",
    Verdict.UNDECIDED: "dim",
}
WIDE = 140


def show(answers: Sequence[Answer]) -> None:
    """Print them: what is asked, the answer in words, ratio and interval, the verdict."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for name in ("question", "answer", "ratio [95 %]", "verdict"):
        table.add_column(name)
    for one in answers:
        table.add_row(escape(one.question.asks), escape(one.sentence), escape(interval(one)), verdict(one))
    console.print(table)
    decided = sum(one.decided for one in answers)
    console.print(f"{decided} of {len(answers)} answered; ratios of CPU time a request, or of requests a second where it says so")


def interval(answer: Answer) -> str:
    """The ratio with its interval, or nothing."""
    one = answer.estimate
    if one is None or not math.isfinite(one.half_width):
        return "-"
    return f"{ratio(one.ratio)} [{ratio(one.low)}, {ratio(one.high)}]"


def verdict(answer: Answer) -> str:
    """The verdict in its colour."""
    if answer.problem is not None:
        return "[bold red]fails[/]"
    found = answer.verdict or Verdict.UNDECIDED
    return f"[{STYLES[found]}]{found.value}[/]"
