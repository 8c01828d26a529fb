"""What the report says of the in-process comparison. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.analysis.micro import QUANTITIES, Comparison, Quantity, Row, calibrations
from benchmarks.in_process.examination import CALLERS, TIMES
from benchmarks.raw import NO_DATABASE
from benchmarks.raw.micro import Run
from benchmarks.report import forest, numbers, prose
from benchmarks.report.numbers import calibrated, interval, three
from benchmarks.report.prose import DATABASES
from benchmarks.report.tables import markdown
from benchmarks.report.terms_part import WRITTEN

HEAD = ("operation", "contender", "wall µs", "ratio [95 %]", "verdict", "CPU µs", "ratio [95 %]", "verdict", "A/A wall, CPU")
NAMES: dict[Quantity, str] = {"wall": "wall time", "cpu": "CPU time"}


def context(run: Run, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """What the templates of the report ask for."""
    fixed = [one for one in comparisons if one.group.database == NO_DATABASE]
    shown = {row.contender for one in fixed for row in one.rows}
    own_loop = [row.measured["wall"] for one in fixed for row in one.rows if row.contender == "own-loop" and row.measured]
    parts = {**DATABASES, NO_DATABASE: "Fixed costs: no database"}
    return {
        "micro": run,
        "micro_answer": prose.answer(run, comparisons),
        "micro_ratios": any(one.group.database != NO_DATABASE for one in comparisons),
        "micro_tables": {
            name: table(chosen)
            for label, name in parts.items()
            if (chosen := [one for one in comparisons if one.group.database == label])
        },
        "lone": prose.lone(comparisons),
        "micro_failures": prose.failures(run),
        "times": TIMES,
        "callers": CALLERS,
        "fixed_contenders": {name: about for name, about in run.header.contenders.items() if name in shown},
        "own_loop": three(own_loop[0].median) if own_loop else None,
        "micro_calibrated": [f"{NAMES[quantity]}: {calibrated(one)}" for quantity, one in calibrations(run).items()],
    }


def expected(run: Run) -> int:
    """Trials in a complete run, without the contenders that failed."""
    failing = sum(
        run.problem(group.database, group.scenario, contender) is not None
        for group in run.header.groups
        for contender in group.contenders
    )
    return run.planned - failing * run.header.passes


def lines(run: Run) -> list[str]:
    """The comparison's own terms, for the section on the environment."""
    header = run.header
    drivers = header.environment["drivers"]
    return [
        f"{header.passes} passes, {header.seconds:g} s a trial, order shuffled in every pass, seed {header.seed}",
        f"{header.books:,} books in each database, {WRITTEN}",
        f"drivers: {drivers['sync']} (sync); {drivers['async']} (all others)",
    ]


def picture(comparisons: Sequence[Comparison]) -> str:
    """The forest plot of wall and CPU time."""
    panels = [forest.Panel(f"{name}, ratio to the baseline", "costs more") for name in NAMES.values()]
    items = [
        forest.Item(
            DATABASES[one.group.database],
            one.group.title,
            tuple(_line(row) for row in one.rows if row.contender != one.group.baseline),
            tuple(one.control.get(quantity) for quantity in QUANTITIES),
        )
        for label in DATABASES
        for one in comparisons
        if one.group.database == label
    ]
    return forest.draw("Ratios to the baseline with their 95 % intervals, in process", "One caller at a time.", panels, items)


def _line(row: Row) -> forest.Line:
    found = (row.measured.get(quantity) for quantity in QUANTITIES)
    return forest.Line(row.contender, tuple(one.estimate if one else None for one in found), row.problem)


def where(comparison: Comparison) -> str:
    """The comparison in words."""
    label = comparison.group.database
    return comparison.group.title + (f" on {DATABASES[label]}" if label in DATABASES else "")


def table(comparisons: Sequence[Comparison]) -> str:
    """The verdicts as a table; without the control, which is its last column."""
    rows = [
        ["" if place else one.group.title, f"`{row.contender}`", *cells(row), "" if row.problem else control(one)]
        for one in comparisons
        for place, row in enumerate(one.rows)
    ]
    return markdown(HEAD, rows, ("wall µs", "CPU µs"))


def control(comparison: Comparison) -> str:
    """The control's ratios, of both quantities."""
    return ", ".join(numbers.control(comparison.control.get(quantity), "pass") for quantity in QUANTITIES)


def cells(row: Row) -> list[str]:
    """For wall and CPU time each: microseconds, ratio with interval, verdict."""
    if row.problem:
        return ["fails", row.problem, "", "", "", ""]
    cells: list[str] = []
    for quantity in QUANTITIES:
        found = row.measured.get(quantity)
        if found is None:
            cells += ["-", "not measured", ""]
        elif found.estimate is None or found.verdict is None:
            cells += [three(found.median), "1", "baseline"]
        else:
            cells += [three(found.median), interval(found.estimate, "pass"), found.verdict.value]
    return cells
