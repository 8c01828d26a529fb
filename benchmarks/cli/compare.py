"""`compare`: two runs of the same kind side by side."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from benchmarks.analysis.calibration import false_verdicts
from benchmarks.analysis.compare import CYCLES_MARGIN, EXACT_MARGIN, Change, RunComparison
from benchmarks.analysis.compare import compare as compare_runs
from benchmarks.analysis.verdict import MARGIN, Verdict
from benchmarks.cli.base import read_raw
from benchmarks.raw import NO_DATABASE
from benchmarks.report.numbers import three
from benchmarks.report.terminal import STYLES, plain, show

KINDS = ("load", "micro", "instructions")
WORSE = 1
"""Exit status when something got slower or costlier by more than the margin, or fails."""


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
def compare(old: Path, new: Path) -> None:
    """Compare two raw files of the same kind: load, micro or instructions.

    The exit status is 1 when something certainly got slower (or, in instructions, costlier) by more than the margin, or fails.
    """
    runs = (read_raw(path, KINDS, f"compared are {', '.join(KINDS)}")[1] for path in (old, new))
    comparison = compare_runs(*runs)
    exact = comparison.kind == "instructions"
    show(140, _table(comparison.changes, exact=exact), said=sentences(comparison))
    sys.exit(WORSE if comparison.worse else 0)


def sentences(comparison: RunComparison) -> list[str]:
    """The outcome in words, the limits, and what does not compare."""
    exact = comparison.kind == "instructions"
    working = [change for change in comparison.changes if change.problem is None]
    counts = {verdict: sum(change.verdict is verdict for change in working) for verdict in Verdict}
    found = [f"{count} {_word(verdict, exact=exact)}" for verdict, count in counts.items() if count]
    if failing := len(comparison.changes) - len(working):
        found.append(f"{failing} failing now")
    first = f"{len(comparison.changes)} compared: {', '.join(found)}."
    said = [first if comparison.changed else f"Not significant! {first}"]
    if exact:
        limits = f"beyond {100 * EXACT_MARGIN:.0f} % (of estimated cycles {100 * CYCLES_MARGIN:.0f} %)"
        said.append(f"Of counts, a change {limits} is reported, if all counts agree on it.")
    else:
        said.append(
            "NEW/OLD is of the ratio to the baseline of its own run, with its 95 % interval. Better and worse lie wholly beyond"
            f" {100 * MARGIN:.0f} %, same within it; slightly better or worse only leave out 1. By"
            f" chance {three(false_verdicts(len(working)))} may seem to differ;"
            f" {len(comparison.changed) - failing}, marked *, are beyond it and stand even so."
            " The baseline is not compared: clocks drift."
        )
        wider = [f"{quantity} {factor:.2g} times" for quantity, factor in comparison.factors.items() if factor > 1]
        if wider:
            said.append(f"Most ratios moved further than within a run, so intervals are as much wider: {', '.join(wider)}.")
    if comparison.only_old or comparison.only_new:
        said.append(f"Not compared: {comparison.only_old} only in OLD, {comparison.only_new} only in NEW.")
    if comparison.differences:
        said.append(f"The runs differ in {'; '.join(comparison.differences)}.")
    return said


def _table(changes: Sequence[Change], *, exact: bool) -> Table:
    table = plain()
    for name in ("", "contender", "quantity"):
        table.add_column(name)
    for name in ("OLD", "NEW", "NEW/OLD"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for change in changes:
        place = change.place
        where = ", ".join(part for part in (place.scenario, place.database, place.load) if part and part != NO_DATABASE)
        row = [where, place.contender, f"{place.quantity}" + (", M" if exact else ""), *_numbers(change, exact=exact)]
        table.add_row(*(escape(text) for text in row), _verdict(change, exact=exact) + "*" * (change.stands and not exact))
    return table


def _numbers(change: Change, *, exact: bool) -> list[str]:
    def shown(value: float | None) -> str:
        return "" if value is None else f"{value / 1e6:.3f}" if exact else f"{value:.3f}"

    interval = change.change
    ratio = f"{interval.ratio:.3f} ({_end(interval.low)}-{_end(interval.high)})" if interval else ""
    return [shown(change.old), shown(change.new), ratio]


def _end(value: Any) -> str:
    return "∞" if value > 1_000 else f"{value:.3f}"


def _verdict(change: Change, *, exact: bool) -> str:
    if change.problem:
        return f"[red]fails now[/]: {escape(change.problem)}"
    return f"[{STYLES[change.verdict]}]{_word(change.verdict, exact=exact)}[/]"


def _word(verdict: Verdict, *, exact: bool) -> str:
    """What it is called, of exact counts too."""
    return verdict.replace("better", "cheaper").replace("worse", "costlier") if exact else str(verdict)
