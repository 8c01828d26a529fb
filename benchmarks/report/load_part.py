"""What the report says of the load benchmark: sections 1 to 5, 7 and 11. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.analysis.answers import answers
from benchmarks.analysis.cells import BEYOND, results
from benchmarks.analysis.instructions import Row as Exact
from benchmarks.analysis.validity import TOLERATED
from benchmarks.raw.load import Run, Trial
from benchmarks.report import choice, limits_part, load_prose, sheet, tables, terms_part
from benchmarks.report.load_pictures import NAMES, compared, ordered, where
from benchmarks.report.load_summary import Comparison, deciding, delay, ordinary
from benchmarks.report.numbers import listed, percent, plural, span, three

FIRST = ("read", "noop")
"""Scenarios whose costs are not folded away."""


def context(run: Run, comparisons: Sequence[Comparison], exact: Callable[[str, str, str], Exact | None]) -> dict[str, Any]:
    """What the templates of the report ask for; `exact` finds instructions by database, scenario and contender."""
    header = run.header
    chosen = ordered(deciding(comparisons))
    counts = sorted({one.load.connections for one in chosen})
    return {
        "load": run,
        "questions": sheet.table(answers(results(run))),
        "connections": f"with {span([str(count) for count in counts])} connections, by scenario (section 1)",
        "threads": header.contenders[header.baseline]["concurrency"],
        "unsafe": "; PostgreSQL waits for no disk (fsync off)"
        if header.databases.get("postgresql", {}).get("fsync") == "off"
        else "",
        "placed": "".join(f", {one}" for one in terms_part.placed(run)),
        "asked": "; ".join(f"`{one}`, {header.scenarios[one]['title']}" for one in dict.fromkeys(one.scenario for one in chosen)),
        "tolerated": percent(TOLERATED),
        "turns": _turns(run, is_open=False),
        "open_turns": _turns(run, is_open=True),
        "databases": {
            name: tables.verdicts(found)
            for database, name in NAMES.items()
            if (found := [one for one in chosen if one.database == database and delay(run, one.scenario) is None])
        },
        "together": {
            name: table for database, name in NAMES.items() if (table := tables.together(ordinary(run, comparisons, database)))
        },
        **_waiting(run, comparisons),
        **_costs(chosen, exact),
        **_capacities(run, comparisons),
        **_latencies(run, comparisons),
        **terms_part.context(run),
        "failures": _failures(run),
        "errors": _errors(comparisons),
        "rules": _rules(run, comparisons),
        "decisions": _decisions(run, comparisons),
        "who": _who(run, comparisons),
        "limits": limits_part.lines(run, comparisons),
        "simplest": ", ".join(f"`{name}`" for name in choice.SIMPLEST if name in header.contenders),
    }


def _turns(run: Run, *, is_open: bool) -> str:
    """How long they are in open or in closed loops."""
    seconds = sorted({cell.seconds / cell.slices for cell in run.header.cells if (cell.load.percent is not None) is is_open})
    return span([f"{one:.2g}" for one in seconds]) + " s"


def expected(run: Run) -> int:
    """Trials in a complete run; those of contenders that fail are not among them."""
    return sum(
        cell.rounds
        for cell in run.header.cells
        for name in cell.contenders
        if not run.problem(cell.database, cell.scenario, name)
    )


def interrupted(run: Run) -> bool:
    """Whether the last round planned, of those in which anybody is right, has no trial: open loops come after all closed ones."""
    rounds = [
        (cell.load.percent is not None, cell.rounds, place)
        for place, cell in enumerate(run.header.cells)
        if any(not run.problem(cell.database, cell.scenario, name) for name in cell.contenders)
    ]
    if not rounds:
        return False
    _, number, place = max(rounds)
    last = run.header.cells[place]
    planned = (number, last.database, last.scenario, last.load.name)
    return not any((one.round, one.database, one.scenario, one.load) == planned for one in run.trials)


def unanswered(run: Run) -> list[str]:
    """The comparisons in which somebody who does not fail has fewer trials than rounds."""
    counts = Counter((one.database, one.scenario, one.load, one.contender) for one in run.trials)
    return [
        f"{cell.scenario} on {NAMES[cell.database]}, {cell.load.name}"
        for cell in run.header.cells
        if any(
            counts[cell.database, cell.scenario, cell.load.name, name] < cell.rounds
            for name in cell.contenders
            if not run.problem(cell.database, cell.scenario, name)
        )
    ]


def done(run: Run) -> int:
    """Trials of the run that count towards `expected`."""
    return sum(not run.problem(one.database, one.scenario, one.contender) for one in run.trials)


def _waiting(run: Run, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    found = load_prose.sweep(run, comparisons)
    cells = [one for by_delay in found.values() for one in by_delay.values()]
    table, here = tables.verdicts(cells) if cells else "", compared(run, cells)
    return {
        "swept": bool(cells),
        "waits": load_prose.waits(run, comparisons) if cells else "",
        "limit": load_prose.limit(run, comparisons),
        "crossings": load_prose.crossings(run, comparisons),
        "waiting": table,
        "unswept": [f"`{name}`" for name in compared(run, deciding(comparisons)) if name not in here],
    }


def _costs(chosen: Sequence[Comparison], exact: Callable[[str, str, str], Exact | None]) -> dict[str, Any]:
    made = []
    for one in chosen:
        title = f"{one.scenario}, {NAMES[one.database]}, {plural(one.load.connections, 'connection')}"
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
            (f"{scenario}, {NAMES[database]}", tables.capacities(run, found), tables.verdicts(found))
            for (database, scenario), found in swept.items()
        ]
    }


def _latencies(run: Run, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    places: dict[tuple[str, str], list[Comparison]] = {}
    for one in ordered(comparisons):
        if one.load.percent is not None:
            places.setdefault((one.database, one.scenario), []).append(one)
    rates = [
        f"{where(one.scenario, one.database)}: 100 % are {three(one.capacity)} requests a second, the capacity of `{one.slowest}`"
        f"{', the A/A control' if one.slowest == run.header.control else ''}"
        for one in run.rates
    ]
    made = [(f"{scenario}, {NAMES[database]}", tables.latencies(found)) for (database, scenario), found in places.items()]
    opened = [one for found in places.values() for one in found]
    decided = [
        f"`{row.contender}`, {where(one.scenario, one.database)} at {one.load.percent} % ({quantity} {measured.verdict})"
        for one in opened
        for row in one.rows
        for quantity, measured in row.measured.items()
        if quantity != "cpu" and measured.verdict and (measured.verdict.gains or measured.verdict.loses)
    ]
    percents = listed([str(one) for one in sorted({one.load.percent for one in opened if one.load.percent is not None})])
    return {"rates": rates, "percents": percents, "tables": made, "beyond": BEYOND, "decided": decided}


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
        f" {sum(sum(trial.errors.values()) + trial.count for trial in trials):,} in {plural(len(trials), 'trial')}; the first:"
        f" “{tables.reason(next(iter(trials[0].examples.values()), 'no example'))}”"
        for (name, database, scenario, load), trials in found.items()
    ]


def _decisions(run: Run, comparisons: Sequence[Comparison]) -> str:
    """What follows in each situation, and of whom a gain or a loss is to be known beside it."""
    rows = [[rule.situation, rule.follows, rule.aside] for rule in choice.rules(run, comparisons)]
    return tables.markdown(("for", "what follows", "of the others"), rows) if rows else ""


def _who(run: Run, comparisons: Sequence[Comparison]) -> str:
    present = {row.contender for one in comparisons for row in one.rows}
    rows = [[f"`{name}`", terms_part.about(name, facts)] for name, facts in run.header.contenders.items() if name in present]
    return tables.markdown(("contender", "what"), rows) if rows else ""


def _rules(run: Run, comparisons: Sequence[Comparison]) -> str:
    found = choice.rules(run, comparisons)
    kinds = [kind for kind in choice.CLASSES if any(kind in rule.found for rule in found)]
    rows = [
        [rule.situation, *(", ".join(f"`{name}`" for name in rule.found.get(kind, ())) for kind in kinds), rule.follows]
        for rule in found
    ]
    return tables.markdown(("situation", *kinds, "what follows"), rows) if rows else ""
