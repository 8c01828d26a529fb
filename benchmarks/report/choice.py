"""When to choose what: rules that follow from the verdicts, and from nothing else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.analysis.estimate import Estimate
from benchmarks.analysis.verdict import MARGIN, Verdict
from benchmarks.raw.load import Run
from benchmarks.report.load_pictures import NAMES, compared
from benchmarks.report.load_summary import SPECIAL, Comparison, Measured, Pooled, Quantity, delay, ordinary, plain, pooled
from benchmarks.report.prose import DATABASES
from benchmarks.subjects.contenders import THREADS
from benchmarks.subjects.profiles import SAME_DRIVER, SAME_SERVER_AND_DRIVER

SIMPLEST = ("sync-threads-16", "sync-threads-64", "sync-gevent", "async-loop", "async-native", SAME_DRIVER)
"""Who is advised, from the least change to the most."""
LACKING: Mapping[str, Mapping[str, Sequence[str]]] = {
    "async-native": {"driver": (SAME_DRIVER,), "server": ("async-loop",)},
    "async-loop": {"driver": (SAME_SERVER_AND_DRIVER, SAME_DRIVER)},
}
"""Who does without something that these have: with the baseline's driver, or on its server. Of several the first that tells:
the one on the other server tells something only if that server, with the other driver, gains too."""
SHOWN = {
    "gains": "does not need",
    "undecided": "may need",
    **dict.fromkeys(("same", "no gain", "loses"), "needs"),
}
"""What a gain needs of what somebody does without, by what is found of them."""
LONG = 10
"""Milliseconds from which a query is said to wait."""


CLASSES = ("gains", "gains and loses", "same", "no gain", "undecided", "loses", "fails")
"""What can be found of a contender in a situation. *No gain*: whether it loses is undecided, but no interval reaches a
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
            *fewer, most = [str(count) for count in sorted({one.load.connections for one in chosen})] or [""]
            counts = f"{', '.join(fewer)} or {most}" if fewer else most
            yield Situation(f"queries that wait {tried:g} ms, {counts} connections", chosen, ("throughput",))


def _rule(run: Run, situation: Situation) -> Rule | None:
    found: dict[str, list[str]] = {}
    for name in compared(run, situation.chosen):
        kind = _class(situation, name)
        if kind:
            found.setdefault(kind, []).append(name)
    if not found:
        return None
    kinds = {kind: found[kind] for kind in CLASSES if kind in found}
    return Rule(situation.name, kinds, _follows(run.header.baseline, kinds), _aside(kinds))


def _class(situation: Situation, name: str) -> str | None:
    if any((row := one.row(name)) and row.problem for one in situation.chosen):
        return "fails"
    found = list(_found(situation, name))
    verdicts = {one.verdict for _, one in found if one.verdict}
    if kind := " and ".join(kind for kind in ("gains", "loses") if any(getattr(one, kind) for one in verdicts)):
        return kind
    if Verdict.UNDECIDED in verdicts:
        return "undecided" if any(_may_gain(quantity, one.estimate) for quantity, one in found) else "no gain"
    return "same" if verdicts else None


def _found(situation: Situation, name: str) -> Iterator[tuple[Quantity, Measured | Pooled]]:
    """What is judged of the contender."""
    for quantity in situation.judged:
        if situation.together:
            if together := pooled(situation.chosen, name, quantity):
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
        return f"`{advised[0]}` {what}{_needs(found, advised[0])}"
    if gaining := found.get("gains"):
        return f"{_listed(gaining)} {'gain' if len(gaining) > 1 else 'gains'}"
    if "gains and loses" in found:
        return f"look at the cells: {_listed(found['gains and loses'])} gain in some and lose in others"
    if "undecided" in found:
        return f"`{baseline}`: no gain is shown, though one of more than {100 * MARGIN:.0f} % is possible"
    return f"`{baseline}`: none of the others gains"


def _needs(found: Mapping[str, Sequence[str]], name: str) -> str:
    """Whether a gain needs driver and server, by those who do without one of them; empty where nobody did."""
    kinds = {each: kind for kind, names in found.items() for each in names}
    telling = {each: SHOWN[kind] for each, kind in kinds.items() if kind in SHOWN}
    if kinds.get("async-native") != "gains":
        telling.pop(SAME_DRIVER, None)
    tried = {what: next(filter(telling.get, names), None) for what, names in LACKING.get(name, {}).items()}
    lacking = {what: (each, telling[each]) for what, each in tried.items() if each}
    if [shown for _, shown in lacking.values()] == ["needs", "needs"]:
        neither = " nor ".join(f"`{each}`" for each, _ in lacking.values())
        return f"; it needs both its driver and its server: neither {neither} gains"
    said = {"needs": "does not gain", "does not need": "gains too", "may need": "is not shown to gain"}
    parts = [f"{shown} its {what} (`{each}` {said[shown]})" for what, (each, shown) in lacking.items()]
    return f"; it {' and '.join(parts)}" if parts else ""


def _aside(found: Mapping[str, Sequence[str]]) -> str:
    """What is found of all who are not named in what follows."""
    advised = _advised(found)[:1] or found.get("gains", ())
    words = {
        "gains": "gains too",
        "undecided": "possible",
        "same": "same",
        "no gain": "no gain",
        "loses": "worse",
        "fails": "fails",
    }
    left = {kind: [name for name in names if name not in advised] for kind, names in found.items()}
    return "; ".join(f"{word}: {_listed(names)}" for kind, word in words.items() if (names := left.get(kind)))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
