"""Two runs side by side: what has become slower, faster or costlier. Pure functions on raw results that were read.

Of runs by the clock (`load`, `micro`) it is not the times that are compared but the ratios to the baseline of the same run, so
that another machine, or the same on a worse day, cancels. What slows the baseline itself is therefore not seen here; exact
counts (`instructions`) are compared as they are, the baseline's too.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from math import inf, log
from statistics import fmean, median
from typing import Any

from scipy.special import ndtri

from benchmarks.analysis import estimate
from benchmarks.analysis import micro as summary
from benchmarks.analysis.calibration import CONFIDENCE
from benchmarks.analysis.cells import CLOCK, lower_is_better, quantities, results
from benchmarks.analysis.estimate import Estimate, Spread, contrast
from benchmarks.analysis.verdict import Verdict, judge
from benchmarks.errors import BenchmarkError
from benchmarks.raw import instructions, load, micro

EXACT_MARGIN, CYCLES_MARGIN = 0.01, 0.03
"""A change of an exact count that is reported, and one of estimated cycles, which depend more on where objects lie in memory."""
BEYOND = (Verdict.BETTER, Verdict.WORSE)
"""Wholly beyond the margin."""
STEADY = 1.1
"""By so much a baseline may be faster or slower in another run without a word."""
FEWEST = 6
"""Changes of a quantity that tell how far two runs differ of themselves."""
CHANCE = float(ndtri(0.75) / ndtri(0.5 + CONFIDENCE / 2))
"""Half of the changes that chance makes are nearer to their middle than this share of their interval's half-width."""

Run = load.LoadRun | micro.MicroRun | instructions.InstructionRun
Places = tuple[Set[Any], Set[Any]]
"""What was measured in either run, as far as it is compared."""


@dataclass(frozen=True, order=True)
class Place:
    """What was measured where; `load` is empty where there is no such thing, `quantity` where all are meant."""

    database: str
    scenario: str
    load: str
    contender: str
    quantity: str


@dataclass(frozen=True)
class Series:
    """Log-ratios of a contender to its references, what restarts add to their scatter, and what the interval is widened by."""

    logs: estimate.Comparison
    spread: Spread
    factor: float


@dataclass
class Findings:
    """Of a run by the clock: the series of all contenders but baseline and control, all who were measured, and who failed."""

    series: dict[Place, Series] = field(default_factory=dict)
    measured: set[Place] = field(default_factory=set)
    problems: dict[Place, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """A place in both runs. `old` and `new` are ratios to the baseline, or instructions per request; `change` is NEW/OLD.

    The verdict is of an interval by itself. A change `stands` if it lies beyond the margin, and if its interval leaves out 1 even
    where all intervals together are to contain the truth in 95 of 100 comparisons of runs (O. Dunn, Journal of the American
    Statistical Association 56, 1961). Of two simulated runs of what is the same, 96 contenders and quantities in 3 rounds, 3.6
    seemed to differ, and none stood.

    Where `problem` says why NEW could not be measured to the end, although OLD could, `change` is None, and so is `new`; of runs
    by the clock so is `old`.
    """

    place: Place
    old: float | None
    new: float | None
    change: Estimate | None
    verdict: Verdict
    stands: bool
    problem: str | None = None


@dataclass(frozen=True)
class RunComparison:
    """All places that both runs have, and how many one of them alone has; `differences` in what they ran on, in words.

    `factors` is what the intervals of each quantity are widened by, see `scatter`.
    """

    kind: str
    changes: Sequence[Change]
    only_old: int
    only_new: int
    differences: Sequence[str]
    factors: Mapping[str, float]

    @property
    def changed(self) -> list[Change]:
        """What stands, for better or worse."""
        return [change for change in self.changes if change.stands]

    @property
    def worse(self) -> list[Change]:
        """What got slower or costlier by more than the margin, and stands, or fails now."""
        return [change for change in self.changed if change.verdict is Verdict.WORSE]


def compare(old: Run, new: Run) -> RunComparison:
    """Compare two runs of the same kind. Raises `BenchmarkError` when they have nothing in common."""
    if isinstance(old, load.LoadRun) and isinstance(new, load.LoadRun):
        changes, places, factors = _by_the_clock(load_findings(old), load_findings(new))
    elif isinstance(old, micro.MicroRun) and isinstance(new, micro.MicroRun):
        changes, places, factors = _by_the_clock(micro_findings(old), micro_findings(new))
    elif isinstance(old, instructions.InstructionRun) and isinstance(new, instructions.InstructionRun):
        changes, places, factors = *_exactly(old, new), {}
    else:
        raise BenchmarkError(f"a run of kind {old.header.kind!r} cannot be compared with one of kind {new.header.kind!r}")
    if not changes:
        raise BenchmarkError("the two runs have no contender in common in the same scenario, database and load")
    only_old, only_new = (len(these - others) for these, others in (places, places[::-1]))
    return RunComparison(old.header.kind, changes, only_old, only_new, differences(old, new), factors)


def load_findings(run: load.LoadRun) -> Findings:
    """Each cell by itself: who fails under one load is compared under the others."""
    found = Findings()
    for one in results(run):
        for name in one.cell.contenders:
            where = (one.cell.database, one.cell.scenario, one.cell.load.name, name)
            if problem := one.problems.get(name):
                found.problems[Place(*where, "")] = str(problem)
            elif one.sound(name):
                found.measured.add(Place(*where, ""))
            for quantity in quantities(one.cell.load) if name not in (one.baseline, one.control) else ():
                if logs := one.logs(name, quantity):
                    found.series[Place(*where, quantity)] = Series(logs, one.spread(quantity), one.factors.get(quantity, 1.0))
    return found


def micro_findings(run: micro.MicroRun) -> Findings:
    """Wall and CPU time."""
    found, factors = Findings(), {name: one.factor for name, one in summary.calibrations(run).items()}
    for one in summary.recorded(run):
        for name in one.group.contenders:
            where = (one.group.database, one.group.scenario, "", name)
            if problem := run.problem(*where[:2], name):
                found.problems[Place(*where, "")] = problem
            elif one.trials.get(name):
                found.measured.add(Place(*where, ""))
            for quantity in summary.QUANTITIES if name != one.group.control else ():
                if logs := one.logs(name, quantity):
                    found.series[Place(*where, quantity)] = Series(logs, estimate.spread([logs]), factors[quantity])
    return found


def scatter(changes: Sequence[Estimate]) -> float:
    """By how much wider intervals must be for what moves a whole run: at least 1, and 1 where the changes are too few to tell.

    The rounds of a run share its weather, so that their scatter has nothing of what differs from one run to the next: of ten
    runs of `make bench` of the same code, while other jobs kept two cores busy, 23 % of the changes of throughput left out 1 and
    12 % of those of CPU time, and 25 and 4 stood in 45 comparisons. What most places show is taken for it, about the middle of
    all: the median distance is to be what chance makes it (B. Devlin and K. Roeder, Genomic Control, Biometrics 55, 1999). So 7
    and 8 % left out 1, and 4 and 1 stood. A change of a few places, or the same change of all of them, widens nothing.
    """
    known = [(log(one.ratio), one.half_width) for one in changes if 0 < one.half_width < inf]
    if len(known) < FEWEST:
        return 1.0
    middle = median(change for change, _ in known)
    return max(1.0, median(abs(change - middle) / width for change, width in known) / CHANCE)


def _by_the_clock(old: Findings, new: Findings) -> tuple[list[Change], Places, dict[str, float]]:
    common = [place for place in old.series if place in new.series]
    together = 1 - (1 - CONFIDENCE) / max(1, len(common))
    found, certain = (
        {place: _moved(old.series[place], new.series[place], confidence) for place in common}
        for confidence in (CONFIDENCE, together)
    )
    factors = {
        quantity: scatter([one for place, one in found.items() if place.quantity == quantity])
        for quantity in dict.fromkeys(place.quantity for place in common)
    }
    changes = []
    for place in common:
        change, surely = (each[place].widened(factors[place.quantity]) for each in (found, certain))
        verdict = judge(change, lower_is_better=lower_is_better(place.quantity))
        before, now = (contrast([one.series[place].logs]).ratio for one in (old, new))
        changes.append(Change(place, before, now, change, verdict, verdict in BEYOND and not surely.contains(1)))
    broken = {place: problem for place, problem in new.problems.items() if place in old.measured}
    changes += [Change(place, None, None, None, Verdict.WORSE, True, problem) for place, problem in broken.items()]
    places = {place for place in old.series if replace(place, quantity="") not in broken}, set(new.series)
    return changes, places, factors


def _moved(old: Series, new: Series, confidence: float) -> Estimate:
    """NEW/OLD, with an interval as certain as that."""
    moved = contrast([old.logs, new.logs], (-1, 1), spreads=(old.spread, new.spread), resolution=CLOCK, confidence=confidence)
    return moved.widened(max(old.factor, new.factor))


def _exactly(old: instructions.InstructionRun, new: instructions.InstructionRun) -> tuple[list[Change], Places]:
    """Instructions, and cycles where both runs have them."""
    cells = [{(cell.database, cell.scenario, cell.contender): cell for cell in run.cells} for run in (old, new)]
    before, after = ({place: cell for place, cell in one.items() if not cell.problem} for one in cells)
    changes = []
    for (database, scenario, contender), cell in before.items():
        now = cells[1].get((database, scenario, contender))
        if now is None:
            continue
        place = Place(database, scenario, "", contender, "instructions")
        if now.problem:
            changes.append(Change(place, cell.instructions, None, None, Verdict.WORSE, True, now.problem))
            continue
        changes.append(_counted(place, cell.counts, now.counts, EXACT_MARGIN))
        if cell.cycles and now.cycles:
            changes.append(_counted(replace(place, quantity="cycles"), cell.cycles, now.cycles, CYCLES_MARGIN))
    return changes, (before.keys() - cells[1].keys(), after.keys() - cells[0].keys())


def _counted(place: Place, before: Sequence[float], now: Sequence[float], margin: float) -> Change:
    """The interval reaches from the smallest to the largest quotient of the counts, which are few and hardly differ."""
    old, new, repeats = fmean(before), fmean(now), min(len(before), len(now))
    change = Estimate(new / old, min(now) / max(before), max(now) / min(before), repeats, repeats)
    verdict = judge(change, margin)
    return Change(place, old, new, change, verdict, verdict in BEYOND)


def differences(old: Run, new: Run) -> list[str]:
    """What the runs ran on, and how, where it is not the same: `python: CPython 3.11.7, then CPython 3.12.1`.

    How long they measured, at what rates, and how fast the baseline was, is compared where both did.
    """
    before, after = (_facts(run) for run in (old, new))
    terms, now = (_terms(run) for run in (old, new))
    return [
        *(
            f"{name}: {before.get(name, 'none')}, then {after.get(name, 'none')}"
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        ),
        *(f"{name}: {term}, then {now[name]}" for name, term in terms.items() if now.get(name, term) != term),
        *_weather(old, new),
    ]


def _weather(old: Run, new: Run) -> Iterator[str]:
    """What else kept the machine busy, where that differs by a core, and how fast the baseline was, where not as fast."""
    before, now = (run.header.environment.get("load_before") for run in (old, new))
    if isinstance(before, float) and isinstance(now, float) and abs(before - now) > 1:
        yield f"load average at the start: {before:.1f}, then {now:.1f}"
    if isinstance(old, load.LoadRun) and isinstance(new, load.LoadRun):
        former, speeds = (_speeds(run) for run in (old, new))
        changes = [speeds[place] / speed for place, speed in former.items() if place in speeds]
        if changes and not 1 / STEADY <= median(changes) <= STEADY:
            yield f"speed of the baseline: {median(changes):.2f} of what it was"


def _speeds(run: load.LoadRun) -> dict[tuple[str, str, str], float]:
    """Requests a second of the baseline in the closed loops, the median of the rounds."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for one in run.trials:
        if one.contender == run.header.baseline and one.rate is None:
            found.setdefault((one.database, one.scenario, one.load), []).append(one.throughput)
    return {place: median(rounds) for place, rounds in found.items()}


def _facts(run: Run) -> dict[str, str]:
    facts = {name: str(run.header.environment[name]) for name in ("python", "cpu", "cores") if name in run.header.environment}
    versions = {f"{kind} server": str(facts.get("version")) for kind, facts in run.header.databases.items()}
    return {**facts, **versions, **run.header.environment.get("packages", {}), "books": str(run.header.books)}


def _terms(run: Run) -> dict[str, str]:
    """How long trials took and warmed up, into how many slices they were cut, and what rates are percentages of."""
    if isinstance(run, micro.MicroRun):
        return {"trials": f"{run.header.seconds:g} s"}
    if isinstance(run, instructions.InstructionRun):
        return {}
    trials = {
        f"{cell.scenario}, {cell.database}, {cell.load.name}": f"{cell.seconds:g} s in {cell.slices} slices"
        for cell in run.header.cells
    }
    rates = {f"rate of {one.scenario}, {one.database}": f"{one.capacity:,.0f} requests a second" for one in run.rates}
    return {"warm-up": f"{run.header.warmup:g} s", **trials, **rates}
