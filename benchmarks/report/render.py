"""From a raw file to the report in Markdown. Pure: the same run gives the same bytes. The text is in report.md.jinja."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from benchmarks.checks import CALLERS, TIMES
from benchmarks.raw import NO_DATABASE
from benchmarks.raw.micro import Run
from benchmarks.report import prose
from benchmarks.report.numbers import interval, percent, reach, three
from benchmarks.report.prose import DATABASES
from benchmarks.report.summary import QUANTITIES, Comparison, Quantity, Row, summarize
from benchmarks.stats import MARGIN, RANGE_LIMIT, SCATTER_LIMIT, resolvable

TEMPLATE = Path(__file__).with_name("report.md.jinja")
HEAD = ("operation", "contender", "wall µs", "ratio [95 %]", "verdict", "CPU µs", "ratio [95 %]", "verdict", "A/A wall, CPU")
RIGHT = {"wall µs", "CPU µs"}
NAMES: dict[Quantity, str] = {"wall": "wall time", "cpu": "CPU time"}


def render(run: Run, *, raw: str, picture: str) -> str:
    """The report; `raw` and `picture` are the links to the raw file and to the drawing of the ratios."""
    comparisons = summarize(run)
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        raw=raw,
        picture=picture,
        table=table,
        times=TIMES,
        callers=CALLERS,
        margin=percent(MARGIN, 0),
        header=run.header,
        passes=run.header.passes,
        machine=run.header.environment,
        facts=_facts(run),
        answer=prose.answer(run, comparisons),
        failures=prose.failures(run),
        trials=len(run.trials),
        expected=_expected(run),
        databases={
            name: chosen
            for label, name in DATABASES.items()
            if (chosen := [comparison for comparison in comparisons if comparison.group.database == label])
        },
        **_fixed_costs(run, comparisons),
        **_validity(comparisons),
    )


def _expected(run: Run) -> int:
    """Trials in a complete run, without the contenders that failed."""
    failing = sum(
        run.problem(group.database, group.scenario, contender) is not None
        for group in run.header.groups
        for contender in group.contenders
    )
    return run.planned - failing * run.header.passes


def _facts(run: Run) -> dict[str, str]:
    return {
        DATABASES[label]: ", ".join([facts["version"], *(f"{key} {value}" for key, value in facts.items() if key != "version")])
        for label, facts in run.header.databases.items()
    }


def _fixed_costs(run: Run, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    fixed = [comparison for comparison in comparisons if comparison.group.database == NO_DATABASE]
    shown = {row.contender for comparison in fixed for row in comparison.rows}
    own_loop = [row.measured["wall"] for one in fixed for row in one.rows if row.contender == "own-loop" and row.measured]
    return {
        "fixed": fixed,
        "fixed_contenders": {name: about for name, about in run.header.contenders.items() if name in shown},
        "own_loop": three(own_loop[0].median) if own_loop else None,
    }


def _validity(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    floors = [
        (f"{where(comparison)}, {NAMES[quantity]}", floor)
        for comparison in comparisons
        for quantity, floor in comparison.floor.items()
        if floor.rounds > 1
    ]
    able = []
    for quantity, name in NAMES.items():
        found = sorted(resolvable(one.passes, one.scatter[quantity]) - 1 for one in comparisons if quantity in one.scatter)
        if found:
            able.append((name, *(percent(found[place]) for place in (0, len(found) // 2, -1))))
    return {
        "controls": len(floors),
        "sound": sum(floor.contains(1) for _, floor in floors),
        "missed": [name for name, floor in floors if not floor.contains(1)],
        "resolvable": able,
        "series": sum(comparison.series for comparison in comparisons),
        "scatter": percent(SCATTER_LIMIT, 0),
        "range": percent(RANGE_LIMIT, 0),
        "flags": [f"{where(comparison)}: {flag}" for comparison in comparisons for flag in comparison.flags],
    }


def where(comparison: Comparison) -> str:
    """The comparison in words."""
    label = comparison.group.database
    return comparison.group.title + (f" on {DATABASES[label]}" if label in DATABASES else "")


def table(comparisons: Sequence[Comparison]) -> str:
    """The verdicts as a table; without the control, which is its last column."""
    rows = [
        ["" if place else comparison.group.title, f"`{row.contender}`", *cells(row), "" if row.problem else floor(comparison)]
        for comparison in comparisons
        for place, row in enumerate(comparison.rows)
    ]
    rule = ["--:" if name in RIGHT else "---" for name in HEAD]
    return "\n".join(_line(cells) for cells in (HEAD, rule, *rows))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def floor(comparison: Comparison) -> str:
    """How far the control reaches, for both quantities."""
    return ", ".join(reach(comparison.floor.get(quantity)) for quantity in QUANTITIES)


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
