"""What the load benchmark does not show, as far as its plan tells: for section 11. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.analysis.cells import BEYOND
from benchmarks.raw.load import Run
from benchmarks.report import load_prose
from benchmarks.report.load_pictures import NAMES
from benchmarks.report.load_summary import Comparison
from benchmarks.report.numbers import listed
from benchmarks.report.tables import share

FULL, LESS = "postgresql", "sqlite"


def lines(run: Run, comparisons: Sequence[Comparison]) -> list[str]:
    """A line for each limit."""
    return [*_machine(run), *_less(run), *_absent(run), *_waits(run, comparisons), *_tails(comparisons)]


def _machine(run: Run) -> Iterator[str]:
    """What ran where."""
    server, generator, database = (run.header.placement.get(name, "") for name in ("server", "generator", "database"))
    core = " on one core" if server.startswith("core ") else ", which is bound to no core"
    yield f"Several processes or machines: each contender is one process{core}, and how they scale is not measured."
    where = f"{'client and server' if database == 'elsewhere' else 'client, server and database'} are on one machine"
    if generator == database != "not pinned":
        where += f", and the generator shares its core{'s' if generator.startswith('cores') else ''} with the database"
    yield f"A network: {where}. The wait of section 2 stands for distance, but costs the database nothing."


def _loads(run: Run, database: str, *, is_open: bool) -> dict[str, list[int]]:
    """The numbers of connections by scenario."""
    found: dict[str, set[int]] = {}
    for cell in run.header.cells:
        if cell.database == database and (cell.load.percent is not None) is is_open:
            found.setdefault(cell.scenario, set()).add(cell.load.connections)
    return {scenario: sorted(counts) for scenario, counts in found.items()}


def _less(run: Run) -> Iterator[str]:
    """What one database has less of than the other."""
    full, less = (_loads(run, database, is_open=False) for database in (FULL, LESS))
    if not (full and less):
        return
    parts = []
    if missing := [scenario for scenario in full if scenario not in less]:
        parts.append(f"no {', '.join(missing)}")
    for scenario in full:
        if scenario in less and len(less[scenario]) < len(full[scenario]):
            here, there = (listed([str(count) for count in found[scenario]]) for found in (less, full))
            parts.append(f"{scenario} with {here} connections, not {there}")
    opened = _loads(run, FULL, is_open=True).keys() - _loads(run, LESS, is_open=True).keys()
    if opened:
        parts.append(f"no open loop of {', '.join(sorted(opened))}")
    if parts:
        yield f"{NAMES[LESS]} as widely as {NAMES[FULL]}: {'; '.join(parts)}."


def _absent(run: Run) -> Iterator[str]:
    """Who was not measured in what; those who lack the same are named together."""
    lacking: dict[str, list[str]] = {}
    for name in run.header.contenders:
        parts = []
        for database, title in NAMES.items():
            scenarios = dict.fromkeys(cell.scenario for cell in run.header.cells if cell.database == database)
            there = {cell.scenario for cell in run.header.cells if cell.database == database and name in cell.contenders}
            if scenarios and not there:
                parts.append(load_prose.on(title))
            elif missing := [scenario for scenario in scenarios if scenario not in there]:
                parts.append(f"in {', '.join(missing)} {load_prose.on(title)}")
        if parts:
            lacking.setdefault("; ".join(parts), []).append(f"`{name}`")
    for what, names in lacking.items():
        yield f"{listed(names)}: not measured {what}."


def _waits(run: Run, comparisons: Sequence[Comparison]) -> Iterator[str]:
    """The points of the sweep of section 2."""
    if found := load_prose.sweep(run, comparisons):
        counts = listed([str(connections) for connections in found])
        yield f"Waits between those measured: the sweep has {load_prose.waits(run, comparisons)}, with {counts} connections."


def _tails(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """How much of the latency at equal rates is decided."""
    opened = [one for one in comparisons if one.load.percent is not None]
    judged = [(one, row.contender) for one in opened for row in one.rows if row.contender != one.baseline and not row.problem]
    if not judged:
        return
    verdicts = {quantity: [one.verdict(name, quantity) for one, name in judged] for quantity in ("p50", "p99")}
    known = [verdict for found in verdicts.values() for verdict in found if verdict]
    decided = sum(verdict.gains or verdict.loses for verdict in known)
    tails = sum(verdict is not None for verdict in verdicts["p99"])
    yield (
        f"Latency: a gain or a loss is decided in {share(decided, len(known))} ratios of p50 and p99 at equal rates. A p99 takes"
        f" {100 * BEYOND} requests in all rounds, which {share(tails, len(judged))} comparisons have; more takes more of them."
    )
