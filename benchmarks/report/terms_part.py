"""What the report says of the code that was compared, and of the terms of the load benchmark: sections 8 and 10. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.raw.load import Run
from benchmarks.report import tables
from benchmarks.report.numbers import span
from benchmarks.report.prose import DATABASES
from benchmarks.subjects.code_cost import ASYNC, LIBRARY, RUNTIME, part_of
from benchmarks.subjects.contenders import CONTENDERS

WRITTEN = (
    "a copy for each contender, which lasts for the whole run: after a trial that writes, the books that it made and the log of"
    " activity are deleted, and page counts that `update` changed stay as they are"
)
"""What becomes of a contender's database."""


def context(run: Run) -> dict[str, Any]:
    """What the templates of the report ask for."""
    return {**_code(run), **_surroundings(run)}


def about(name: str, facts: Mapping[str, Any]) -> str:
    """What the contender is, in the words of today if it still is what it was in the run."""
    known = CONTENDERS.get(name)
    return known.about if known and {**known.facts(), "about": ""} == {**facts, "about": ""} else str(facts["about"])


def _code(run: Run) -> dict[str, Any]:
    code = run.header.code
    if not code:
        return {}
    totals = code["totals"]
    head = ("part", "async", "sync", "lines that differ")
    labels = {"app": "the app: routes, services, wiring", RUNTIME: "the runtime: installed as it is, not written per project"}
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
    own = [one for one in code["files"] if not one["generated"] and part_of(one["path"]) == "app" and one["async"]]
    return {
        "code": code,
        "totals": totals,
        "parts_table": tables.markdown(head, rows, head[1:]),
        "keywords": code["keywords"],
        "concepts": [
            (one["about"], one["path"] if one["path"].startswith(f"{LIBRARY}/") else f"{ASYNC}/{one['path']}")
            for one in code["concepts"]
        ],
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
        rows.append([f"`{name}`", about(name, facts), facts["concurrency"], drivers, facts["connections"]])
    head = ("contender", "what", "works on at a time", "drivers", "connections to each database")
    scenarios = [[name, facts["title"]] for name, facts in header.scenarios.items()]
    return {
        "contenders": tables.markdown(head, rows),
        "servers": {name: facts["server"] for name, facts in header.contenders.items()},
        "scenarios": tables.markdown(("scenario", "what"), scenarios),
    }


def placed(run: Run) -> list[str]:
    """What ran where: on which cores, not pinned, elsewhere."""
    return [f"{name} {'on ' if where.startswith('core') else ''}{where}" for name, where in run.header.placement.items()]


def lines(run: Run) -> list[str]:
    """The load benchmark's own terms, for the section on the environment."""
    header = run.header
    rounds, seconds, slices = (
        span([f"{value:g}" for value in sorted({getattr(cell, name) for cell in header.cells})])
        for name in ("rounds", "seconds", "slices")
    )
    starts = [trial.start_seconds for trial in run.trials]
    made = [
        f"profile {header.profile}: rounds {rounds}, trials of {seconds} s after {header.warmup:g} s of warm-up",
        f"servers started anew for each round; trials cut into {slices} slices, fewer for who answers slowly",
        f"those of a round mixed, in shuffled order, seed {header.seed}",
        f"{header.books:,} books in each database, {WRITTEN}",
        f"placement: {', '.join(placed(run))}",
    ]
    if starts:
        made.append(
            f"servers took {min(starts):.2f} to {max(starts):.2f} s until their first answer, those of a round starting at once"
        )
    return made
