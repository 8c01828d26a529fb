"""When to choose what: rules that follow from the verdicts, and from nothing else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.raw.load import Run
from benchmarks.report.load_pictures import NAMES, compared, delay
from benchmarks.report.load_prose import SPECIAL, plain
from benchmarks.report.load_summary import Comparison, Quantity
from benchmarks.report.prose import DATABASES
from benchmarks.stats import MARGIN, Verdict

SIMPLEST = ("sync-threads-64", "sync-gevent", "async-loop", "async-native", "async-native-psycopg")
"""Who is advised, from the least change to the most."""
LONG = 10
"""Milliseconds from which a query is called long here."""


CLASSES = ("gains", "gains and loses", "same", "no gain", "undecided", "loses", "fails")
"""What can be found of a contender in a situation. *No gain*: whether it loses is undecided, but no interval reaches a gain that
is larger than the margin."""


@dataclass(frozen=True)
class Rule:
    """A situation; the contenders by class, out of `CLASSES`; what follows."""

    situation: str
    found: Mapping[str, Sequence[str]]
    follows: str


def rules(run: Run, comparisons: Sequence[Comparison]) -> list[Rule]:
    """A rule for each situation that the run has anything on."""
    made = (_rule(run, name, chosen, judged) for name, chosen, judged in _situations(run, comparisons) if chosen)
    return [rule for rule in made if rule]


Situation = tuple[str, list[Comparison], tuple[Quantity, ...]]


def _situations(run: Run, comparisons: Sequence[Comparison]) -> Iterable[Situation]:
    both: tuple[Quantity, ...] = ("cpu", "throughput")
    for database in DATABASES:
        ordinary = plain(run, comparisons, database)
        special = [one for one in ordinary if one.scenario in SPECIAL]
        writes = {name for name, facts in run.header.scenarios.items() if facts["writes"]}
        name = NAMES[database]
        rest = [one for one in ordinary if one not in special]
        yield f"{name}: reading", [one for one in rest if one.scenario not in writes], both
        yield f"{name}: writing", [one for one in rest if one.scenario in writes], both
        for one in special:
            yield f"{name}: {one.scenario} ({run.header.scenarios[one.scenario]['title']})", [one], both
        opened = [one for one in comparisons if one.database == database and one.load.percent is not None]
        yield f"{name}: latency at equal rates", opened, ("p50", "p99")
    waiting = [
        (waits, one) for one in comparisons if (waits := delay(run, one.scenario)) is not None and one.load.percent is None
    ]
    few = [one for waits, one in waiting if waits >= LONG and one.load.connections <= 16]
    many = [one for waits, one in waiting if waits >= LONG and one.load.connections > 16]
    yield f"queries that wait {LONG} ms or more, at most 16 connections", few, ("throughput",)
    yield f"queries that wait {LONG} ms or more, more connections", many, ("throughput",)


def _rule(run: Run, situation: str, chosen: Sequence[Comparison], judged: Sequence[Quantity]) -> Rule | None:
    found: dict[str, list[str]] = {}
    for name in compared(run, chosen):
        kind = _class(chosen, name, judged)
        if kind:
            found.setdefault(kind, []).append(name)
    if not found:
        return None
    kinds = {kind: found[kind] for kind in CLASSES if kind in found}
    return Rule(situation, kinds, _follows(run.header.baseline, kinds))


def _class(chosen: Sequence[Comparison], name: str, judged: Sequence[Quantity]) -> str | None:
    if any((row := one.row(name)) and row.problem for one in chosen):
        return "fails"
    verdicts = {verdict for one in chosen for quantity in judged if (verdict := one.verdict(name, quantity))}
    if {Verdict.FASTER, Verdict.SLOWER} <= verdicts:
        return "gains and loses"
    for verdict, kind in ((Verdict.FASTER, "gains"), (Verdict.SLOWER, "loses")):
        if verdict in verdicts:
            return kind
    if Verdict.INCONCLUSIVE in verdicts:
        return "undecided" if any(_may_gain(one, name, quantity) for one in chosen for quantity in judged) else "no gain"
    return "same" if verdicts else None


def _may_gain(comparison: Comparison, name: str, quantity: Quantity) -> bool:
    """Whether the interval reaches beyond the margin on the better side."""
    row = comparison.row(name)
    measured = row.measured.get(quantity) if row else None
    if not measured or not measured.estimate:
        return False
    estimate = measured.estimate
    return estimate.high > 1 + MARGIN if quantity == "throughput" else estimate.low < 1 / (1 + MARGIN)


def _follows(baseline: str, found: Mapping[str, Sequence[str]]) -> str:
    advised = [name for name in SIMPLEST if name in found.get("gains", ())]
    if len(advised) > 1:
        return f"`{advised[0]}` is the smallest change that gains"
    if advised:
        return f"`{advised[0]}` gains"
    if "gains and loses" in found:
        return f"look at the cells: {_listed(found['gains and loses'])} gain in some and lose in others"
    if "undecided" in found:
        return f"`{baseline}`, as no gain is shown; the noise would hide one"
    return f"`{baseline}`: nothing measured gains"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
