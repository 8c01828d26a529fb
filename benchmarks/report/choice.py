"""When to choose what: rules that follow from the verdicts, and from nothing else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.contenders import THREADS
from benchmarks.profiles import SAME_DRIVER
from benchmarks.raw.load import Run
from benchmarks.report.load_pictures import NAMES, compared
from benchmarks.report.load_prose import OURS
from benchmarks.report.load_summary import SPECIAL, Comparison, Measured, Pooled, Quantity, delay, ordinary, plain, pooled
from benchmarks.report.prose import DATABASES
from benchmarks.stats import MARGIN, Estimate, Verdict

SIMPLEST = ("sync-threads-64", "sync-gevent", "async-loop", "async-native", SAME_DRIVER)
"""Who is advised, from the least change to the most."""
LONG = 10
"""Milliseconds from which a query is said to wait."""


CLASSES = ("gains", "gains and loses", "same", "no gain", "inconclusive", "loses", "fails")
"""What can be found of a contender in a situation. *No gain*: whether it loses is inconclusive, but no interval reaches a
gain that is larger than the margin."""


@dataclass(frozen=True)
class Rule:
    """A situation; the contenders by class, out of `CLASSES`; what follows, and what is to be known of those not advised."""

    situation: str
    found: Mapping[str, Sequence[str]]
    follows: str
    aside: str


def rules(run: Run, comparisons: Sequence[Comparison]) -> list[Rule]:
    """A rule for each situation that the run has anything on."""
    made = (_rule(run, situation) for situation in _situations(run, comparisons) if situation.chosen)
    return [rule for rule in made if rule]


@dataclass(frozen=True)
class Situation:
    """The comparisons of a kind of work, what is judged of them, and whether `together`, as in the answer, or each by itself."""

    name: str
    chosen: Sequence[Comparison]
    judged: tuple[Quantity, ...]
    together: bool = False


def _situations(run: Run, comparisons: Sequence[Comparison]) -> Iterable[Situation]:
    both: tuple[Quantity, ...] = ("cpu", "throughput")
    for database in DATABASES:
        name, common = NAMES[database], ordinary(run, comparisons, database)
        yield Situation(f"{name}: ordinary requests ({', '.join(one.scenario for one in common)})", common, both, together=True)
        for one in plain(run, comparisons, database):
            if one.scenario in SPECIAL:
                yield Situation(f"{name}: {one.scenario} ({run.header.scenarios[one.scenario]['title']})", [one], both)
        opened = [one for one in comparisons if one.database == database and one.load.percent is not None]
        yield Situation(
            f"{name}: latency at equal rates ({', '.join(dict.fromkeys(one.scenario for one in opened))})", opened, ("p50", "p99")
        )
    waiting = [
        (waits, one) for one in comparisons if (waits := delay(run, one.scenario)) is not None and one.load.percent is None
    ]
    for tried in sorted({waits for waits, _ in waiting if waits >= LONG}):
        here = [one for waits, one in waiting if waits == tried]
        for chosen in (
            [one for one in here if one.load.connections <= THREADS],
            [one for one in here if one.load.connections > THREADS],
        ):
            counts = " or ".join(str(count) for count in sorted({one.load.connections for one in chosen}))
            yield Situation(f"queries that wait {tried:g} ms, {counts} connections", chosen, ("throughput",))


def _rule(run: Run, situation: Situation) -> Rule | None:
    found: dict[str, list[str]] = {}
    for name in compared(run, situation.chosen):
        kind = _class(run, situation, name)
        if kind:
            found.setdefault(kind, []).append(name)
    if not found:
        return None
    kinds = {kind: found[kind] for kind in CLASSES if kind in found}
    return Rule(situation.name, kinds, _follows(run.header.baseline, kinds), _aside(kinds))


def _class(run: Run, situation: Situation, name: str) -> str | None:
    if any((row := one.row(name)) and row.problem for one in situation.chosen):
        return "fails"
    found = list(_found(run, situation, name))
    verdicts = {one.verdict for _, one in found}
    if {Verdict.BETTER, Verdict.WORSE} <= verdicts:
        return "gains and loses"
    for verdict, kind in ((Verdict.BETTER, "gains"), (Verdict.WORSE, "loses")):
        if verdict in verdicts:
            return kind
    if Verdict.INCONCLUSIVE in verdicts:
        return "inconclusive" if any(_may_gain(quantity, one.estimate) for quantity, one in found) else "no gain"
    return "same" if verdicts else None


def _found(run: Run, situation: Situation, name: str) -> Iterator[tuple[Quantity, Measured | Pooled]]:
    """What is judged of the contender."""
    for quantity in situation.judged:
        if situation.together:
            if together := pooled(situation.chosen, name, run.header.control, quantity):
                yield quantity, together
        else:
            for one in situation.chosen:
                if (row := one.row(name)) and (measured := row.measured.get(quantity)) and measured.verdict:
                    yield quantity, measured


def _may_gain(quantity: Quantity, estimate: Estimate | None) -> bool:
    """Whether the interval reaches beyond the margin on the better side."""
    if estimate is None:
        return False
    return estimate.high > 1 + MARGIN if quantity == "throughput" else estimate.low < 1 / (1 + MARGIN)


def _advised(found: Mapping[str, Sequence[str]]) -> list[str]:
    """Who gains, the least change first."""
    return [name for name in SIMPLEST if name in found.get("gains", ())]


def _follows(baseline: str, found: Mapping[str, Sequence[str]]) -> str:
    advised = _advised(found)
    if advised:
        what = "is the smallest change that gains" if len(advised) > 1 else "gains"
        others = [name for kind, names in found.items() if kind != "gains" for name in names]
        if advised[0] not in OURS or SAME_DRIVER not in others:
            return f"`{advised[0]}` {what}"
        same = SAME_DRIVER in found.get("same", ())
        driver = "it is the same: the gain is the driver's" if same else "no gain is shown, so that it may be the driver's"
        return f"`{advised[0]}` {what}; with the baseline's driver {driver}"
    if "gains and loses" in found:
        return f"look at the cells: {_listed(found['gains and loses'])} gain in some and lose in others"
    if "inconclusive" in found:
        return f"`{baseline}`: no gain is shown, though one of more than {100 * MARGIN:.0f} % is possible"
    return f"`{baseline}`: none of the others gains"


def _aside(found: Mapping[str, Sequence[str]]) -> str:
    """What is found of all who are not advised."""
    advised = _advised(found)[:1]
    words = {
        "gains": "gains too",
        "inconclusive": "possible",
        "same": "same",
        "no gain": "no gain",
        "loses": "worse",
        "fails": "fails",
    }
    left = {kind: [name for name in names if name not in advised] for kind, names in found.items()}
    return "; ".join(f"{word}: {_listed(names)}" for kind, word in words.items() if (names := left.get(kind)))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
