"""Which pictures a report has, and what is drawn in each. Pure."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from benchmarks.analysis.cells import Name
from benchmarks.report.charts import Bar, Dot, Point, Square, bars, dots, grid, lines
from benchmarks.report.comparisons import DATABASES, Comparison
from benchmarks.report.model import Counts, Report, UnderLoad

WHAT: Mapping[Name, str] = {"cpu": "CPU a request: less is better", "throughput": "Requests a second: more is better"}
TO = "ratio to {}, logarithmic"
ORDINARY = ("read", "list", "create", "update")
MEBI = 2.0**-20
Drawing = Callable[[], str]
"""Draws a picture, which takes a quarter of a second: its SVG."""


def pictures(report: Report) -> dict[str, Drawing]:
    """By name, as far as the run has what they show."""
    found = dict[str, Drawing]()
    if report.load:
        found |= dict(_load(report.load))
    if report.counts:
        found["layers"] = _layers(report.counts)
    return found


def _load(load: UnderLoad) -> Iterator[tuple[str, Drawing]]:
    baseline = load.run.header.baseline
    if load.situations:
        found = [Square.of(one.label, name, finding) for one in load.situations for name, finding in one.findings.items()]
        yield "answer", partial(grid, f"Ratio to {baseline}", found)
    if load.closed:
        names = [name for name in load.contenders if name != baseline]
        places = [(f"{one.scenario}, {DATABASES[one.database]}", one) for one in load.closed]
        found = [Square.of(label, name, one.finding(name, "cpu")) for label, one in places for name in names]
        yield "verdicts", partial(grid, f"CPU a request, ratio to {baseline}", found)
    axis = TO.format(baseline)
    facts = load.run.header.contenders
    stock = [one for one in load.contenders if facts.get(one, {}).get("model") == "documented"]
    others = [one for one in load.contenders if one not in (*stock, *load.elsewhere, baseline)]
    closed = [one for one in load.closed if one.database == "postgresql"]
    drawn: tuple[tuple[str, Name, list[Comparison], Sequence[str]], ...] = (
        ("documented", "cpu", [one for one in load.closed if any(map(one.row, stock))], stock),
        ("ordinary", "cpu", [one for one in closed if one.scenario in ORDINARY], others),
        ("elsewhere", "cpu", [one for one in closed if one.scenario == "read"], load.elsewhere),
        ("waiting", "throughput", list(load.waiting), others),
        ("sqlite", "throughput", [one for one in load.closed if one.database == "sqlite"], [*stock, *others]),
    )
    for name, quantity, chosen, contenders in drawn:
        if shown := list(_dots(chosen, contenders, quantity)):
            yield name, partial(dots, WHAT[quantity], axis, shown)
    if load.swept:
        points = list(_capacity(load.swept))
        yield "capacity", partial(lines, "Requests a second over connections", "connections", "requests/s", points)
    if load.opened:
        points = list(_latency(load.opened))
        yield "latency", partial(lines, "Latency at equal rates", "percentile", "ms", points, is_log=True)
    if reading := load.cell("postgresql", "read"):
        sound = (row for row in reading.rows if not row.problem)
        memory = [Bar(reading.where, row.contender, "", MEBI * statistics.median(row.memory)) for row in sound if row.memory]
        yield "memory", partial(bars, "Memory of a server after the load", "MiB", memory)
    if load.run.header.code:
        files = [
            Bar("", f"{part}, {side}", kind, float(count))
            for part, totals in load.run.header.code["totals"].items()
            for side, kind, count in (
                ("async", "the same on both sides", totals["async"] - totals["differ"]),
                ("async", "differs", totals["differ"]),
                ("sync", "the same on both sides", totals["sync"] - min(totals["differ"], totals["sync"])),
                ("sync", "differs", min(totals["differ"], totals["sync"])),
            )
        ]
        yield "code", partial(bars, "Lines of code", "lines", files)


def _dots(found: Sequence[Comparison], names: Sequence[str], quantity: Name) -> Iterator[Dot]:
    for one in found:
        yield from (Dot.of(one.where, name, finding) for name in names if (finding := one.finding(name, quantity)).word)


def _capacity(found: Sequence[Comparison]) -> Iterator[Point]:
    for one in sorted(found, key=lambda one: (list(DATABASES).index(one.database), one.scenario, one.load)):
        for row in one.rows:
            if (values := row.values.get("throughput")) and all(other.row(row.contender) for other in found):
                middle = statistics.median(values)
                place = f"{one.scenario}, {DATABASES[one.database]}"
                yield Point(place, row.contender, str(one.load.connections), middle, middle, middle)


def _latency(found: Sequence[Comparison]) -> Iterator[Point]:
    for one in found:
        for row in one.rows:
            for percent in (50, 90, 99, 99.9):
                if values := [1000 * value for value in row.percentile(percent)]:
                    middle = statistics.median(values)
                    yield Point(one.where, row.contender, f"p{percent:g}", middle, min(values), max(values))


def _layers(counts: Counts) -> Drawing:
    return partial(
        bars,
        "Instructions a request, by layer",
        "millions",
        [
            Bar(f"{row.scenario}, {DATABASES[row.database]}", row.contender, layer, value / 1e6)
            for row in counts.rows
            if row.scenario in ("noop", "read", "create")
            for layer, value in row.layers.items()
        ],
    )
