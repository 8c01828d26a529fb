"""What the report says of the load benchmark: sections 1 to 5, 7, 8, 10 and 11. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.code_cost import RUNTIME
from benchmarks.instructions.summary import Row as Exact
from benchmarks.raw.load import Run, Trial
from benchmarks.report import choice, latency, load_prose, tables
from benchmarks.report.load_pictures import NAMES, delay, ordered, where
from benchmarks.report.load_summary import Comparison, deciding
from benchmarks.report.numbers import three
from benchmarks.report.prose import DATABASES

FIRST = ("read", "noop")
"""Scenarios whose costs are not folded away."""


def context(run: Run, comparisons: Sequence[Comparison], exact: Callable[[str, str, str], Exact | None]) -> dict[str, Any]:
    """What the templates of the report ask for; `exact` finds instructions by database, scenario and contender."""
    header = run.header
    chosen = ordered(deciding(comparisons))
    counts = sorted({one.load.connections for one in chosen})
    return {
        "load": run,
        "connections": " or ".join(str(count) for count in counts),
        "threads": header.contenders[header.baseline]["concurrency"],
        "databases": {
            name: tables.verdicts(found)
            for database, name in NAMES.items()
            if (found := [one for one in chosen if one.database == database and delay(run, one.scenario) is None])
        },
        **_waiting(run, comparisons),
        **_costs(chosen, exact),
        **_capacities(run, comparisons),
        **_latencies(run, comparisons),
        **_code(run),
        **_surroundings(run),
        "failures": _failures(run),
        "errors": _errors(comparisons),
        "rules": _rules(run, comparisons),
    }


def expected(run: Run) -> int:
    """Trials in a complete run; those of contenders that fail are not among them."""
    return sum(
        cell.rounds
        for cell in run.header.cells
        for name in cell.contenders
        if not run.problem(cell.database, cell.scenario, name)
    )


def done(run: Run) -> int:
    """Trials of the run that count towards `expected`."""
    return sum(not run.problem(one.database, one.scenario, one.contender) for one in run.trials)


def _waiting(run: Run, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    found = load_prose.sweep(run, comparisons)
    cells = [one for by_delay in found.values() for one in by_delay.values()]
    table = tables.verdicts(cells) if cells else ""
    return {"found": bool(cells), "swept": bool(cells), "crossings": load_prose.crossings(run, comparisons), "waiting": table}


def _costs(chosen: Sequence[Comparison], exact: Callable[[str, str, str], Exact | None]) -> dict[str, Any]:
    made = []
    for one in chosen:
        title = f"{one.scenario}, {NAMES[one.database]}, {one.load.connections} connections"
        table = tables.costs(one, lambda name, one=one: exact(one.database, one.scenario, name))  # type: ignore[misc]
        made.append((one.scenario, (title, table)))
    first = [entry for scenario, entry in made if scenario in FIRST]
    return {"first": first, "others": [entry for scenario, entry in made if scenario not in FIRST]}


def _capacities(run: Run, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    places: dict[tuple[str, str], list[Comparison]] = {}
    for one in ordered(comparisons):
        if one.load.percent is None:
            places.setdefault((one.database, one.scenario), []).append(one)
    swept = {place: found for place, found in places.items() if len(found) > 2}
    return {
        "capacities": [
            (f"{scenario}, {NAMES[database]}", tables.capacities(run, found)) for (database, scenario), found in swept.items()
        ]
    }


def _latencies(run: Run, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    places: dict[tuple[str, str], list[Comparison]] = {}
    for one in ordered(comparisons):
        if one.load.percent is not None:
            places.setdefault((one.database, one.scenario), []).append(one)
    rates = [
        f"{where(one.scenario, one.database)}: of {three(one.capacity)} requests a second, the capacity of `{one.slowest}`"
        for one in run.rates
    ]
    made = [(f"{scenario}, {NAMES[database]}", tables.latencies(found)) for (database, scenario), found in places.items()]
    return {"rates": rates, "tables": made, "beyond": latency.BEYOND}


def _failures(run: Run) -> str:
    rows = load_prose.failures(run)
    return tables.markdown(("contender", "database", "how", "where"), rows) if rows else ""


def _errors(comparisons: Sequence[Comparison]) -> list[str]:
    """Wrong answers of contenders that are not said to fail there."""
    found: dict[tuple[str, str, str, str], list[Trial]] = {}
    for one in comparisons:
        for row in one.rows:
            for trial in row.trials if not row.problem else ():
                if any(trial.errors.values()):
                    found.setdefault((row.contender, one.database, one.scenario, one.load.name), []).append(trial)
    return [
        f"`{name}`, {where(scenario, database)}, {load}: {sum(sum(trial.errors.values()) for trial in trials)} of"
        f" {sum(sum(trial.errors.values()) + trial.count for trial in trials):,} in {len(trials)} trials; the first:"
        f" “{tables.reason(next(iter(trials[0].examples.values()), 'no example'))}”"
        for (name, database, scenario, load), trials in found.items()
    ]


def _code(run: Run) -> dict[str, Any]:
    code = run.header.code
    if not code:
        return {}
    totals = code["totals"]
    head = ("part", "async", "sync", "lines that differ")
    labels = {"app": "the app: routes, services, wiring", RUNTIME: "the runtime: copied as it is, not written per project"}
    rows = [
        [label, *(f"{totals[part][key]:,}" for key in ("async", "sync", "differ"))]
        for part, label in labels.items()
        if part in totals
    ]
    files = [
        [
            f"`{one['path']}`",
            _lines(one["async"]),
            _lines(one["sync"]),
            str(one["differ"]),
            "generated" if one["generated"] else "by hand",
        ]
        for one in code["files"]
        if one["async"] or one["sync"]
    ]
    own = [one for one in code["files"] if not one["generated"] and not one["path"].startswith(f"{RUNTIME}/") and one["async"]]
    return {
        "code": code,
        "totals": totals,
        "parts_table": tables.markdown(head, rows, head[1:]),
        "keywords": code["keywords"],
        "concepts": code["concepts"],
        "twice": [f"`{one['path']}`" for one in own if one["sync"]],
        "alone": [f"`{one['path']}`" for one in own if one["sync"] is None],
        "files": tables.markdown(("file", "async", "sync", "differ", "sync side"), files, ("async", "sync", "differ")),
    }


def _lines(count: int | None) -> str:
    return "-" if count is None else str(count)


def _surroundings(run: Run) -> dict[str, Any]:
    header = run.header
    rows = []
    for name, facts in header.contenders.items():
        drivers = ", ".join(f"{driver} ({DATABASES.get(database, database)})" for database, driver in facts["drivers"].items())
        rows.append([f"`{name}`", facts["about"], facts["concurrency"], drivers, facts["connections"]])
    head = ("contender", "what", "works on at a time", "drivers", "connections to each database")
    scenarios = [[name, facts["title"]] for name, facts in header.scenarios.items()]
    return {
        "contenders": tables.markdown(head, rows),
        "servers": {name: facts["server"] for name, facts in header.contenders.items()},
        "scenarios": tables.markdown(("scenario", "what"), scenarios),
    }


def lines(run: Run) -> list[str]:
    """The load benchmark's own terms, for the section on the environment."""
    header = run.header
    seconds = sorted({cell.seconds for cell in header.cells})
    rounds = sorted({cell.rounds for cell in header.cells})
    starts = [trial.start_seconds for trial in run.trials]
    stops = [trial.stop_seconds for trial in run.trials]
    found = [f"{name} on {cores}" for name, cores in header.placement.items()]
    made = [
        f"profile {header.profile}: {_range(rounds)} rounds, trials of {_range(seconds)} s after {header.warmup:g} s of warm-up",
        f"a server process of its own for each trial, order shuffled in every round, seed {header.seed}",
        f"{header.books:,} books in each database, fresh and the same for each contender; what a trial writes is undone",
        "placement: " + ", ".join(found),
    ]
    if starts:
        made.append(
            f"servers took {min(starts):.2f} to {max(starts):.2f} s until their first answer, and {min(stops):.2f} to"
            f" {max(stops):.2f} s to end"
        )
    return made


def _range(values: Sequence[float]) -> str:
    return " to ".join(dict.fromkeys(f"{value:g}" for value in (*values[:1], *values[-1:])))


def _rules(run: Run, comparisons: Sequence[Comparison]) -> str:
    found = choice.rules(run, comparisons)
    kinds = [kind for kind in choice.CLASSES if any(kind in rule.found for rule in found)]
    rows = [
        [rule.situation, *(", ".join(f"`{name}`" for name in rule.found.get(kind, ())) for kind in kinds), rule.follows]
        for rule in found
    ]
    return tables.markdown(("situation", *kinds, "what follows"), rows) if rows else ""
