"""What the pictures of the load benchmark show. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

from benchmarks.analysis.verdict import Verdict
from benchmarks.raw import NO_DATABASE
from benchmarks.raw.load import Run
from benchmarks.report import curves, forest, heat
from benchmarks.report.latency import curve_points
from benchmarks.report.load_summary import Comparison, Quantity, Row, deciding, delay, ordinary, pooled
from benchmarks.report.prose import DATABASES

NAMES = {**DATABASES, NO_DATABASE: "No database"}
JUDGED: tuple[Quantity, ...] = ("cpu", "throughput")


def pictures(run: Run, comparisons: Sequence[Comparison]) -> dict[str, str]:
    """Each picture that the run has data for, by its name."""
    drawn: dict[str, Callable[[Run, Sequence[Comparison]], str | None]] = {
        "overview": _overview,
        "crossover": _crossover,
        "forest": _forest,
        "capacity": _capacity,
        "latency": _latency,
    }
    return {name: found for name, draw in drawn.items() if (found := draw(run, comparisons))}


def compared(run: Run, comparisons: Sequence[Comparison]) -> list[str]:
    """The contenders that are judged, in the run's order."""
    rows = {row.contender for one in comparisons for row in one.rows}
    return [name for name in run.header.contenders if name in rows and name not in (run.header.baseline, run.header.control)]


def where(scenario: str, database: str) -> str:
    """Such as `read on PostgreSQL`."""
    return f"{scenario} on {NAMES[database]}" if database in DATABASES else f"{scenario}, without a database"


def ordered(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """In the order in which databases are spoken of; those without one last."""
    places = [*DATABASES, NO_DATABASE]
    return sorted(comparisons, key=lambda one: places.index(one.database))


def tile(one: Comparison, contender: str, quantity: Quantity) -> heat.Tile | None:
    """The contender's ratio; None where it took no part, or nothing was measured."""
    row = one.row(contender)
    said = f"{contender}, {where(one.scenario, one.database)}, {one.load.name}"
    if row is None:
        return None
    if row.problem:
        return heat.Tile(f"{said}: fails, {row.problem}", None, None)
    measured = row.measured.get(quantity)
    return heat.Tile(said, measured.estimate, measured.verdict) if measured and measured.estimate else None


def _overview(run: Run, comparisons: Sequence[Comparison]) -> str | None:
    names, chosen = compared(run, comparisons), ordered(deciding(comparisons))
    if not chosen or not names:
        return None
    titles = {"cpu": "server CPU time per request", "throughput": "requests a second"}
    panels = []
    for quantity in JUDGED:
        rows: list[tuple[str, list[heat.Tile | None]]] = []
        for place, one in enumerate(chosen):
            if not place or chosen[place - 1].database != one.database:
                rows.append((NAMES[one.database], []))
                common = ordinary(run, comparisons, one.database)
                if len(common) > 1:
                    rows.append(("ordinary*", [_together(common, name, quantity) for name in names]))
            rows.append((one.scenario, [tile(one, name, quantity) for name in names]))
        panels.append(heat.Panel(titles[quantity], names, rows))
    labels = 90.0
    layout = heat.Layout(2, labels, heat.fitting(len(names), 2, labels), shared=True, slanted=True)
    said = _counted(chosen, names)
    return heat.draw(f"Every contender in every scenario, as a ratio to {run.header.baseline}", said, panels, layout)


def _together(common: Sequence[Comparison], contender: str, quantity: Quantity) -> heat.Tile | None:
    """The contender's ratio in ordinary scenarios taken together."""
    found = pooled(common, contender, quantity)
    if found is None:
        return None
    return heat.Tile(f"{contender}, {', '.join(found.scenarios)} together", found.estimate, found.verdict)


def _counted(chosen: Sequence[Comparison], names: Sequence[str]) -> str:
    """For those who cannot see the tiles: how many are of which kind."""
    parts = []
    for name in names:
        verdicts = [one.verdict(name, "cpu") for one in chosen]
        counts = ", ".join(f"{verdict.value} {verdicts.count(verdict)}" for verdict in Verdict if verdict in verdicts)
        failed = sum(bool((row := one.row(name)) and row.problem) for one in chosen)
        parts.append(f"{name}: {counts or 'nothing measured'}" + (f", fails {failed}" if failed else ""))
    return "CPU time per request, verdicts counted over scenarios and databases. " + "; ".join(parts)


def _crossover(run: Run, comparisons: Sequence[Comparison]) -> str | None:
    sweep = {
        (waits, one.load.connections): one
        for one in comparisons
        if (waits := delay(run, one.scenario)) is not None and one.load.percent is None
    }
    if not sweep:
        return None
    delays, connections = sorted({waits for waits, _ in sweep}), sorted({count for _, count in sweep})
    panels = [
        heat.Panel(
            name,
            [str(count) for count in connections],
            [
                (
                    f"{waits:g} ms",
                    [tile(sweep[waits, count], name, "throughput") if (waits, count) in sweep else None for count in connections],
                )
                for waits in delays
            ],
            "wait  \\  connections",
        )
        for name in compared(run, list(sweep.values()))
    ]
    title = f"Requests a second over {run.header.baseline}, by the time that a query waits and the number of connections"
    said = "A panel for each contender: rows are the wait of the query, columns the connections; blue tiles serve more."
    return heat.draw(title, said, panels, heat.Layout(3, 112, min(58.0, 170 / len(connections))))


def _forest(run: Run, comparisons: Sequence[Comparison]) -> str | None:
    chosen = [one for one in ordered(deciding(comparisons)) if delay(run, one.scenario) is None and _has_estimates(one)]
    if not chosen:
        return None
    panels = [forest.Panel("server CPU time per request", "costs more"), forest.Panel("requests a second", "serves more")]
    items = [
        forest.Item(
            NAMES[one.database],
            one.scenario,
            tuple(_line(row) for row in one.rows if row.contender != run.header.baseline),
            tuple(one.control.get(quantity) for quantity in JUDGED),
        )
        for one in chosen
    ]
    title = f"Ratios to {run.header.baseline} with their 95 % intervals"
    return forest.draw(title, "The numbers are those of the verdict tables.", panels, items)


def _has_estimates(one: Comparison) -> bool:
    return any(measured.estimate for row in one.rows for measured in row.measured.values())


def _line(row: Row) -> forest.Line:
    found = (row.measured.get(quantity) for quantity in JUDGED)
    return forest.Line(row.contender, tuple(one.estimate if one else None for one in found), row.problem)


def _capacity(run: Run, comparisons: Sequence[Comparison]) -> str | None:
    places: dict[tuple[str, str], list[Comparison]] = {}
    for one in ordered(comparisons):
        if one.load.percent is None:
            places.setdefault((one.database, one.scenario), []).append(one)
    swept = {place: sorted(found, key=lambda one: one.load) for place, found in places.items() if len(found) > 2}
    if not swept:
        return None
    panels = [
        curves.Panel(f"{scenario}, {NAMES[database]}", [_over_connections(name, found) for name in _contenders(run, found)])
        for (database, scenario), found in swept.items()
    ]
    counts = sorted({one.load.connections for found in swept.values() for one in found})
    axes = curves.Axes("connections", "requests a second", [(count, str(count)) for count in counts], math.log, logarithmic=False)
    return curves.draw("Capacity over connections", "Closed loop; the numbers are in the tables of section 4.", panels, axes)


def _contenders(run: Run, found: Sequence[Comparison]) -> list[str]:
    return [run.header.baseline, *compared(run, found)]


def _over_connections(name: str, found: Sequence[Comparison]) -> curves.Curve:
    points = []
    for one in found:
        row = one.row(name)
        measured = row.measured.get("throughput") if row else None
        if measured:
            values = measured.values
            points.append(curves.Point(one.load.connections, statistics.median(values), min(values), max(values)))
    return curves.Curve(name, points)


def _latency(_: Run, comparisons: Sequence[Comparison]) -> str | None:
    opened = [one for one in ordered(comparisons) if one.load.percent is not None]
    if not opened:
        return None
    panels = [
        curves.Panel(
            f"{one.scenario}, {NAMES[one.database]}, {one.load.percent} %",
            [curves.Curve(row.contender, curve_points(row.trials)) for row in one.rows if not row.problem],
        )
        for one in opened
    ]
    ticks = [(50.0, "50"), (90.0, "90"), (99.0, "99"), (99.9, "99.9 %")]
    axes = curves.Axes("percentile", "latency in ms", ticks, lambda percent: -math.log10(1 - percent / 100), logarithmic=True)
    return curves.draw("Latency at equal rates", "Open loop; the numbers are in the tables of section 5.", panels, axes)
