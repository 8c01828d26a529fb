"""The tables of the load benchmark in Markdown. Pure."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterable, Sequence

from benchmarks.analysis.instructions import Row as Exact
from benchmarks.analysis.verdict import Verdict
from benchmarks.raw.load import Run, Trial
from benchmarks.report.latency import PERCENTILES, shown
from benchmarks.report.load_summary import Comparison, Quantity, Row, pooled
from benchmarks.report.numbers import control, interval, plural, spread, three

MICRO, MEBI = 1e6, 2**-20
WORDS = {verdict: f"**{verdict}**" if verdict in (Verdict.BETTER, Verdict.WORSE) else str(verdict) for verdict in Verdict}
TAILS: tuple[Quantity, ...] = ("p50", "p99")
SCALES: dict[Quantity, float] = {"cpu": MICRO, "throughput": 1.0, "p50": 1000.0, "p99": 1000.0}


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[str] = ()) -> str:
    """A table; the columns named in `right` are set to the right."""
    aligned = set(right)
    rule = ["--:" if name in aligned else "---" for name in head]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |" for cells in (head, rule, *rows))


def reason(problem: object) -> str:
    """A problem in one short line, without what differs from run to run: objects in angle brackets, folders."""
    found = " ".join(str(problem).split())
    while (shorter := re.sub(r"\s*<[^<>]*>", "", found)) != found:
        found = shorter
    found = re.sub(r"(?<![\w.])/(?:[\w.+-]+/)+", "", re.sub(r"\s*<.*", " ...", found))
    return found if len(found) <= 180 else found[:177].rstrip() + "..."


def _judged(one: Comparison, row: Row, quantity: Quantity) -> list[str]:
    """Median, and ratio with interval and verdict."""
    measured = row.measured.get(quantity)
    if measured is None:
        return ["-", "not measured"]
    middle = three(statistics.median(measured.values) * SCALES[quantity])
    if measured.estimate is None or measured.verdict is None:
        return [middle, "1 baseline" if row.contender == one.baseline else "no baseline"]
    return [middle, f"{interval(measured.estimate)} {WORDS[measured.verdict]}"]


VERDICTS = ("scenario", "contender", "CPU µs", "ratio [95 %]", "req/s", "ratio [95 %]", "A/A CPU, req/s")


def verdicts(comparisons: Sequence[Comparison]) -> str:
    """Every contender in every scenario: what it costs and what it serves."""
    return markdown(VERDICTS, _verdict_rows(comparisons, ("cpu", "throughput")))


TOGETHER = ("contender", "scenarios", "CPU ratio [95 %]", "req/s ratio [95 %]", "A/A CPU, req/s")


def together(comparisons: Sequence[Comparison]) -> str:
    """Every contender over all these scenarios, each of equal weight; empty where nobody has two of them in two rounds each."""
    rows = []
    for name in dict.fromkeys(row.contender for one in comparisons for row in one.rows):
        cpu, served = (pooled(comparisons, name, quantity) for quantity in ("cpu", "throughput"))
        if cpu and served and len(cpu.scenarios) > 1:
            cells = [f"{interval(one.estimate)} {WORDS[one.verdict]}" for one in (cpu, served)]
            rows.append([f"`{name}`", ", ".join(cpu.scenarios), *cells, f"{control(cpu.control)}, {control(served.control)}"])
    return markdown(TOGETHER, rows) if rows else ""


def _verdict_rows(comparisons: Sequence[Comparison], judged: Sequence[Quantity]) -> Iterable[list[str]]:
    for one in comparisons:
        again = _control(one, judged)
        for place, row in enumerate(one.rows):
            name = "" if place else f"{one.scenario} ({one.load.connections} conn., {plural(one.rounds, 'round')})"
            if row.problem:
                yield [name, f"`{row.contender}`", "**fails**", reason(row.problem), *[""] * (2 * len(judged) - 1)]
            else:
                cells = [cell for quantity in judged for cell in _judged(one, row, quantity)]
                yield [name, f"`{row.contender}`", *cells, again]


def _control(one: Comparison, judged: Sequence[Quantity]) -> str:
    return ", ".join(control(one.control.get(quantity)) for quantity in judged) if one.control else "no control"


LATENCIES = ("load", "contender", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "p50 ratio", "p99 ratio", "A/A p50, p99")


def latencies(comparisons: Sequence[Comparison]) -> str:
    """Percentiles at equal rates, and how p50 and p99 are judged."""
    rows = []
    for one in comparisons:
        rate = next((trial.rate for row in one.rows for trial in row.trials if trial.rate), None)
        again = _control(one, TAILS)
        for place, row in enumerate(one.rows):
            load = "" if place else f"{one.load.percent} %" + (f": {three(rate)} req/s" if rate else "")
            if row.problem:
                rows.append([load, f"`{row.contender}`", "**fails**", reason(row.problem), *[""] * 5])
                continue
            percentiles = [shown(row.trials, percent) for percent in PERCENTILES]
            judged = [_judged(one, row, quantity)[1] if quantity in row.measured else "-" for quantity in TAILS]
            rows.append([load, f"`{row.contender}`", *percentiles, *judged, again])
    return markdown(LATENCIES, rows)


COSTS = ("contender", "instructions, millions", "server CPU µs", "database CPU µs", "req/s", "busy cores")
SIZES = ("memory MiB", "threads", "database connections")


def costs(one: Comparison, exact: Callable[[str], Exact | None]) -> str:
    """What a request costs each contender, and what its server occupies: medians, smallest and largest of the rounds."""
    rows = []
    for row in one.rows:
        name = f"`{row.contender}`"
        if row.problem:
            rows.append([name, "**fails**", reason(row.problem), *[""] * 6])
            continue
        trials = [trial for trial in row.trials if trial.count]
        database = [trial.database_cpu / trial.count for trial in trials if trial.database_cpu is not None]
        rows.append(
            [
                name,
                _instructions(exact(row.contender)),
                spread([trial.cpu_per_request for trial in trials], MICRO),
                spread(database, MICRO),
                spread([trial.throughput for trial in trials]),
                _busy(trials),
                spread([trial.server_memory for trial in trials], MEBI),
                _most(trials, lambda trial: trial.server_threads),
                _most(trials, lambda trial: trial.database_connections),
            ]
        )
    return markdown((*COSTS, *SIZES), rows, (*COSTS[1:], *SIZES))


def _busy(trials: Sequence[Trial]) -> str:
    """How many cores the server kept busy, and the database; medians."""
    shares = [[trial.server_cpu / trial.seconds for trial in trials]]
    shares.append([trial.database_cpu / trial.seconds for trial in trials if trial.database_cpu is not None])
    return " + ".join(f"{statistics.median(share):.2f}" for share in shares if share)


def _instructions(row: Exact | None) -> str:
    if row is None:
        return "-"
    return f"{row.instructions / 1e6:.3f}" if row.instructions is not None else "fails"


def _most(trials: Sequence[Trial], count: Callable[[Trial], int | None]) -> str:
    found = [value for trial in trials if (value := count(trial)) is not None]
    return str(max(found)) if found else "-"


def capacities(run: Run, comparisons: Sequence[Comparison]) -> str:
    """Requests a second of each contender over the numbers of connections, of one scenario on one database."""
    ordered = sorted(comparisons, key=lambda one: one.load)
    names = [name for name in run.header.contenders if any(one.row(name) for one in ordered)]
    rows = [[f"`{name}`", *(_capacity(one.row(name)) for one in ordered)] for name in names]
    head = ("contender", *(f"{one.load.connections} conn." for one in ordered))
    return markdown(head, rows, head[1:])


def _capacity(row: Row | None) -> str:
    if row is None:
        return "-"
    measured = row.measured.get("throughput")
    return "fails" if row.problem else spread(measured.values) if measured else "-"


def share(part: int, whole: int) -> str:
    """3 of 1,200."""
    return f"{part:,} of {whole:,}"
