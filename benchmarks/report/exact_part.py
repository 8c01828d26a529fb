"""What the report says of the exact counts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from statistics import geometric_mean
from typing import Any

from benchmarks.analysis.instructions import Row
from benchmarks.analysis.verdict import MARGIN
from benchmarks.raw import NO_DATABASE
from benchmarks.raw.instructions import Run
from benchmarks.report.load_pictures import NAMES
from benchmarks.report.load_summary import Pooled
from benchmarks.report.numbers import plural, ratio, span
from benchmarks.report.prose import DATABASES
from benchmarks.report.tables import markdown, reason
from benchmarks.subjects.contenders import counterpart
from benchmarks.subjects.layers import LAYERS

MILLION = 1e6
COUNTED = {"async-native": "", "async-loop": "", "async-native-psycopg": "with the baseline's driver "}
"""Who is spoken of in the answer, and what is said before."""
UNRECORDED = ("Processes alike agree to six digits, but where", "Where")
"""What raw files say of themselves that no number in them shows, and what is left of it."""


def context(run: Run, rows: Sequence[Row]) -> dict[str, Any]:
    """What the templates of the report ask for."""
    spreads = [row.spread for row in rows if row.spread is not None]
    seen = f"at most {100 * max(spreads):.3f} % between repeats, in {len(spreads)} cells" if spreads else "counted once"
    return {
        "instructions": run,
        "method": {name: text.replace(*UNRECORDED) for name, text in run.header.method.items()},
        "exact_lines": _lines(run, rows),
        "exact_failures": _failures(rows),
        "exact": {
            name: _table(found)
            for database, name in NAMES.items()
            if (found := [row for row in rows if row.database == database])
        },
        "exact_spread": f"Instructions per request repeat to within: {seen}.",
    }


def _lines(run: Run, rows: Sequence[Row]) -> list[str]:
    """From where to where the ratios of each model go, by database."""
    lines = []
    for name in dict.fromkeys(row.contender for row in rows if row.contender != run.header.baseline):
        parts = []
        for database, title in NAMES.items():
            found = [row for row in rows if (row.contender, row.database) == (name, database)]
            ratios = sorted(row.ratio for row in found if row.ratio is not None)
            place = f"on {title}" if database != NO_DATABASE else "without a database"
            if ratios:
                parts.append(f"{span([f'{value:.3f}' for value in ratios])} times {place} ({plural(len(ratios), 'scenario')})")
            if failed := sum(row.problem is not None for row in found):
                parts.append(f"could not be counted {place} in {failed} of {plural(len(found), 'scenario')}")
        lines.append(f"`{name}`: {', '.join(parts)}")
    return lines


def _failures(rows: Sequence[Row]) -> list[str]:
    """What could not be counted, and why."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if row.problem:
            found.setdefault((row.contender, NAMES[row.database], reason(row.problem)), []).append(row.scenario)
    return [f"`{name}`, {title}: {problem} (in: {', '.join(where)})" for (name, title, problem), where in found.items()]


def answer(rows: Sequence[Row], loaded: Mapping[str, Collection[str]]) -> str:
    """What the runtime's models take of the baseline's instructions, from their least to their most in the scenarios, by
    database, that were `loaded`.
    """
    parts = []
    for database, title in DATABASES.items():
        here = [row for row in rows if row.database == database and row.scenario in loaded.get(database, ())]
        said, scenarios = [], dict.fromkeys(row.scenario for row in here)
        for name, before in COUNTED.items():
            ratios = [row.ratio for row in here if row.contender == name and row.ratio is not None]
            if ratios:
                said.append(f"{before}`{name}` {min(ratios):.2f} to {max(ratios):.2f}")
        if said:
            parts.append(f"on {title} ({', '.join(scenarios)}) {', '.join(said)}")
    if not parts:
        return ""
    return f"Counted in instructions, which leave out the server and the kernel: {'; '.join(parts)}."


def doubt(rows: Sequence[Row], found: Iterable[tuple[str, str, Pooled]]) -> str:
    """Which gains and losses in CPU time under load the counts of the same scenarios do not show, and why they can differ.

    Empty where they show all. `found` are database, contender and its ratio.
    """
    find, parts = finder(rows), []
    for database, name, one in found:
        counted = [row.ratio for scenario in one.scenarios if (row := find(database, scenario, name)) and row.ratio is not None]
        if counted and (one.verdict.gains or one.verdict.loses):
            gains, middle = one.verdict.gains, geometric_mean(counted)
            if not (middle < 1 / (1 + MARGIN) if gains else middle > 1 + MARGIN):
                what = f"{'gain' if gains else 'loss'} of `{name}` on {DATABASES[database]}"
                parts.append(f"the {what} ({ratio(middle)} times the baseline's)")
    if not parts:
        return ""
    shown = " and ".join(parts)
    return f"Instructions counted in process do not show {shown}: they leave out waiting, processor caches and the server."


def finder(rows: Sequence[Row]) -> Callable[[str, str, str], Row | None]:
    """Find the row of a contender of the load benchmark: of the same app, in process."""
    found = {(row.database, row.scenario, row.contender): row for row in rows}

    def find(database: str, scenario: str, contender: str) -> Row | None:
        return found.get((database, scenario, counterpart(contender) or contender))

    return find


def _table(rows: Sequence[Row]) -> str:
    found = {layer for row in rows for layer in row.layers}
    layers = [*(layer for layer in LAYERS if layer in found), *sorted(found - LAYERS.keys())]
    cycles = ("cycles, millions", "ratio", "spread") if any(row.cycles for row in rows) else ()
    head = ("scenario", "contender", "instructions, millions", "ratio", "spread", *cycles, *layers)
    made, former = [], None
    for row in rows:
        name, former = ("" if row.scenario == former else row.scenario), row.scenario
        if row.problem or row.instructions is None:
            made.append([name, f"`{row.contender}`", "**fails**", reason(row.problem or ""), *[""] * (len(head) - 4)])
            continue
        made.append(
            [
                name,
                f"`{row.contender}`",
                *_counts(row.instructions, row.ratio, row.spread),
                *(_counts(row.cycles, row.cycle_ratio, row.cycle_spread) if cycles else ()),
                *(f"{row.layers[layer] / MILLION:.2f}" if layer in row.layers else "-" for layer in layers),
            ]
        )
    return markdown(head, made, head[2:])


def _counts(count: float | None, ratio: float | None, spread: float | None) -> tuple[str, str, str]:
    return (
        "-" if count is None else f"{count / MILLION:.3f}",
        "-" if ratio is None else f"{ratio:.3f}",
        "-" if spread is None else f"{100 * spread:.3f} %",
    )
