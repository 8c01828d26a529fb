"""Sentences that say what the verdicts say, and no more. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from benchmarks.analysis.estimate import Estimate
from benchmarks.analysis.micro import Comparison, Quantity, Row
from benchmarks.analysis.verdict import MARGIN, Verdict
from benchmarks.raw import NO_DATABASE
from benchmarks.raw.micro import Run
from benchmarks.report.numbers import interval, ratio
from benchmarks.subjects.contenders import BASELINE

DATABASES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
"""In the order in which they are spoken of."""
MODELS = {
    "async-native": "Flask on the server's own event loop",
    "async-loop": "one event loop per process under WSGI",
    "async-documented": "asgiref and the stock extension",
}
"""Who is spoken of, in this order."""


def answer(run: Run, comparisons: Sequence[Comparison]) -> list[str]:
    """One sentence for each execution model on CPU time per request, the cost that all later ones follow from."""
    return [sentence for model in MODELS if (sentence := _sentence(run, comparisons, model))]


def lone(comparisons: Sequence[Comparison]) -> list[str]:
    """On each database, how the runtime's models compare with the baseline in wall time for one caller at a time."""
    parts = []
    for database, name in DATABASES.items():
        for model in ("async-native", "async-loop"):
            rows = _rows(comparisons, database, model)
            if rows:
                parts.append(f"`{model}` on {name} {tally(rows, 'wall')}")
    return parts


def _sentence(run: Run, comparisons: Sequence[Comparison], model: str) -> str | None:
    parts = []
    for database, name in DATABASES.items():
        rows = _rows(comparisons, database, model)
        if rows:
            parts.append(f"on {name} {tally(rows, 'cpu')}{_together(run, database, model, rows)}")
    return f"**{model}** ({MODELS[model]}), CPU time per request against `{BASELINE}`: {'; '.join(parts)}." if parts else None


def _rows(comparisons: Sequence[Comparison], database: str, model: str) -> list[tuple[Comparison, Row]]:
    """The model's own, on one database."""
    return [
        (comparison, row)
        for comparison in comparisons
        if comparison.group.database == database
        for row in comparison.rows
        if row.contender == model
    ]


def _together(run: Run, database: str, model: str, rows: Sequence[tuple[Comparison, Row]]) -> str:
    problem = run.problem(database, "together", model)
    measured = any(row.measured for _, row in rows)
    return f", and two callers at once break it (“{problem}”)" if problem and measured else ""


WORDS = {
    **{verdict: f"{verdict} in" for verdict in Verdict if verdict.gains or verdict.loses},
    Verdict.SAME: f"the same within {MARGIN:.0%} in".replace("%", " %"),
    Verdict.UNDECIDED: "undecided in",
}


def tally(rows: Sequence[tuple[Comparison, Row]], quantity: Quantity) -> str:
    """Say in how many operations it is better, worse, the same; which are undecided, which fail. Ratios with intervals."""
    parts = []
    for verdict, words in WORDS.items():
        measured = [(comparison, row.measured[quantity]) for comparison, row in rows if row.measured]
        found = [(comparison, one.estimate) for comparison, one in measured if one.verdict is verdict and one.estimate]
        if found:
            which = "" if verdict is Verdict.UNDECIDED else f" ({_which(found)})"
            parts.append(f"{words} {_of(len(found), len(rows))}{which}")
    if problems := [row.problem for _, row in rows if row.problem]:
        common, count = Counter(problems).most_common(1)[0]
        parts.append(f"fails in {_of(len(problems), len(rows))} ({'' if count == len(problems) else 'mostly '}“{common}”)")
    return ", ".join(parts) or "not measured"


def _of(count: int, total: int) -> str:
    if count == total:
        return f"all {total} operations" if total > 1 else "the one operation"
    return f"{count} of {total} operations"


def _which(found: Sequence[tuple[Comparison, Estimate]]) -> str:
    """Name one or two with their intervals; of more, say what all their intervals together span."""
    if len(found) <= 2:
        return ", ".join(f"{comparison.group.title} {interval(estimate, 'pass')}" for comparison, estimate in found)
    low, high = min(estimate.low for _, estimate in found), max(estimate.high for _, estimate in found)
    return f"{ratio(low)} to {ratio(high)} times, intervals included"


def failures(run: Run) -> list[str]:
    """What answered wrong, crashed or hung, by contender and database, in the run's order."""
    titles = {group.scenario: group.title for group in run.header.groups}
    found: dict[tuple[str, str, str], list[str]] = {}
    for check in run.checks:
        if check.problem:
            what = titles.get(check.scenario, "two callers at once")
            found.setdefault((check.contender, check.database, check.problem), []).append(what)
    names = {**DATABASES, NO_DATABASE: "no database"}
    return [
        f"`{contender}` on {names[database]}: {problem} (in: {'; '.join(whats)})"
        for (contender, database, problem), whats in sorted(found.items())
    ]
