"""The answer sheet on the terminal: a line for each question."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.analysis.answers import Answer
from benchmarks.analysis.verdict import Verdict
from benchmarks.report.numbers import interval
from benchmarks.report.verdicts import STYLES

HEAD = ("question", "answer", "ratio", "verdict")
WIDE = 150


def show(answers: Sequence[Answer]) -> None:
    """Print them, and how many there are; nothing where nothing was asked."""
    if not answers:
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    shown = Table(*HEAD, box=None, padding=(0, 1), header_style="dim")
    for one in answers:
        *cells, verdict = cells_of(one)
        shown.add_row(*map(escape, cells), f"[{STYLES[verdict]}]{verdict}[/]")
    console.print(shown)
    decided = sum(one.decided for one in answers)
    console.print(
        f"{decided} of {len(answers)} answered. Ratios are of CPU time a request, or what the answer says; 95 % intervals."
    )


def cells_of(answer: Answer) -> tuple[str, str, str, str]:
    """Question, answer, ratio with interval, verdict: on the terminal and in the report."""
    found = answer.estimate
    shown = interval(found) if found and math.isfinite(found.half_width) else "-"
    verdict = "fails" if answer.problem is not None else (answer.verdict or Verdict.UNDECIDED).value
    return answer.question.asks, answer.sentence, shown, verdict
