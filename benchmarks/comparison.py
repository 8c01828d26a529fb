"""Two runs side by side: what has become slower, faster or costlier. Pure functions on raw results that were read.

Of runs by the clock (`load`, `micro`) it is not the times that are compared but the ratios to the baseline of the same run, so
that another machine, or the same on a worse day, cancels. What slows the baseline itself is therefore not seen here; exact
counts (`instructions`) are compared as they are, the baseline's too.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from benchmarks import stats
from benchmarks.raw import instructions, load, micro
from benchmarks.report.latency import enough
from benchmarks.report.numbers import three
from benchmarks.stats import Estimate, Verdict

EXACT_MARGIN = 0.01
"""A change of an exact count that is reported."""

Run = load.Run | micro.Run | instructions.Run
Problem = Callable[[str, str, str], str | None]
"""Why a contender fails in a scenario on a database."""


class ComparisonError(Exception):
    """The runs cannot be compared; the message says why in one line."""


@dataclass(frozen=True, order=True)
class Place:
    """What was measured where; `load` is empty where there is no such thing, or all are meant, as with `quantity`."""

    database: str
    scenario: str
    load: str
    contender: str
    quantity: str


@dataclass(frozen=True)
class Series:
    """Values of a contender and of the baseline in the rounds that have both; `floor` is the interval of the A/A control."""

    values: Sequence[float]
    baseline: Sequence[float]
    floor: Estimate | None
    lower_is_better: bool = True


@dataclass(frozen=True)
class Change:
    """A place in both runs. `old` and `new` are ratios to the baseline, or instructions per request; `change` is NEW/OLD.

    Where `problem` says why NEW could not be measured to the end, although OLD could, `new` and `change` are None; of a baseline
    or a control so is `old`.
    """

    place: Place
    old: float | None
    new: float | None
    change: Estimate | None
    verdict: Verdict
    problem: str | None = None


@dataclass(frozen=True)
class Comparison:
    """All places that both runs have, and how many one of them alone has; `differences` in what they ran on, in words."""

    kind: str
    changes: Sequence[Change]
    only_old: int
    only_new: int
    differences: Sequence[str]

    @property
    def worse(self) -> list[Change]:
        """What got slower or costlier, or fails now."""
        return [change for change in self.changes if change.verdict is Verdict.WORSE]


def compare(old: Run, new: Run) -> Comparison:
    """Compare two runs of the same kind. Raises `ComparisonError` when they have nothing in common."""
    if isinstance(old, load.Run) and isinstance(new, load.Run):
        changes, places = _by_the_clock(load_series(old), load_series(new), new.problem)
        changes += _broken(_references(old), old.problem, new.problem)
    elif isinstance(old, micro.Run) and isinstance(new, micro.Run):
        changes, places = _by_the_clock(micro_series(old), micro_series(new), new.problem)
        pairs = [(one.database, one.scenario, name) for one in old.header.groups for name in (one.baseline, one.control)]
        changes += _broken(pairs, old.problem, new.problem)
    elif isinstance(old, instructions.Run) and isinstance(new, instructions.Run):
        changes, places = _exactly(old, new)
    else:
        raise ComparisonError(f"a run of kind {old.header.kind!r} cannot be compared with one of kind {new.header.kind!r}")
    if not changes:
        raise ComparisonError("the two runs have no contender in common in the same scenario, database and load")
    only_old, only_new = (len(these - others) for these, others in (places, places[::-1]))
    return Comparison(old.header.kind, changes, only_old, only_new, differences(old, new))


def welch_interval(old: Series, new: Series, *, confidence: float = 0.95) -> Estimate:
    """NEW/OLD of the ratios to the baseline: geometric mean, and Welch's t interval on the logs.

    The standard errors of both means of log-ratios are combined, the degrees of freedom are Welch and Satterthwaite's
    (B. L. Welch, Biometrika 34, 1947): the runs may have scattered differently and had different numbers of rounds. A run of a
    single round has no scatter, which gives (0, inf). Raises ValueError as `stats.log_ratios` does.
    """
    logs = [stats.log_ratios(series.values, series.baseline) for series in (old, new)]
    middle = float(logs[1].mean() - logs[0].mean())
    rounds = min(len(one) for one in logs)
    if rounds < 2:
        return Estimate(math.exp(middle), 0.0, math.inf, rounds)
    squares = np.array([one.var(ddof=1) / len(one) for one in logs])  # of the standard errors
    error = math.sqrt(squares.sum())
    if error == 0:
        return Estimate(math.exp(middle), math.exp(middle), math.exp(middle), rounds)
    freedom = squares.sum() ** 2 / sum(square**2 / (len(one) - 1) for square, one in zip(squares, logs, strict=True))
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * error
    return Estimate(math.exp(middle), math.exp(max(middle - half, -700)), math.exp(min(middle + half, 700)), rounds)


def verdict(change: Estimate, floors: Iterable[Estimate | None], *, lower_is_better: bool = True) -> Verdict:
    """Judge against the margin of 5 % and the noise floor of each run: worse is what is worse by all of them."""
    found = {stats.verdict(change, floor, lower_is_better=lower_is_better) for floor in floors}
    return found.pop() if len(found) == 1 else Verdict.INCONCLUSIVE


def _broken(where: Iterable[tuple[str, str, str]], old: Problem, new: Problem) -> list[Change]:
    """Baselines and controls that fail now: without them their scenario has no ratios, or no floor."""
    return [
        Change(Place(database, scenario, "", name, ""), None, None, None, Verdict.WORSE, found)
        for database, scenario, name in where
        if (found := new(database, scenario, name)) and not old(database, scenario, name)
    ]


def _references(run: load.Run) -> Iterable[tuple[str, str, str]]:
    """Where the baseline and the control were measured."""
    names = (run.header.baseline, run.header.control)
    return dict.fromkeys((one.database, one.scenario, one.contender) for one in run.trials if one.contender in names)


def _by_the_clock(
    old: Mapping[Place, Series], new: Mapping[Place, Series], problem: Problem
) -> tuple[list[Change], tuple[set[Place], set[Place]]]:
    changes = []
    failing = set()
    for place, before in old.items():
        found = problem(place.database, place.scenario, place.contender)
        if found:
            failing.add(place)
            changes.append(Change(place, _ratio(before), None, None, Verdict.WORSE, found))
        elif after := new.get(place):
            change = welch_interval(before, after)
            judged = verdict(change, (before.floor, after.floor), lower_is_better=before.lower_is_better)
            changes.append(Change(place, _ratio(before), _ratio(after), change, judged))
    return changes, (set(old) - failing, set(new) - failing)


def _ratio(series: Series) -> float:
    return math.exp(float(stats.log_ratios(series.values, series.baseline).mean()))


def _exactly(old: instructions.Run, new: instructions.Run) -> tuple[list[Change], tuple[set[Place], set[Place]]]:
    """The interval reaches from the smallest to the largest quotient of the counts, which are few and hardly differ."""
    cells = [{_place(cell): cell for cell in run.cells} for run in (old, new)]
    before, after = ({place: cell for place, cell in one.items() if not cell.problem} for one in cells)
    changes = []
    for place, cell in before.items():
        now = cells[1].get(place)
        if now is None:
            continue
        if now.problem:
            changes.append(Change(place, cell.instructions, None, None, Verdict.WORSE, now.problem))
            continue
        low, high = min(now.counts) / max(cell.counts), max(now.counts) / min(cell.counts)
        change = Estimate(now.instructions / cell.instructions, low, high, min(len(cell.counts), len(now.counts)))
        changes.append(
            Change(place, cell.instructions, now.instructions, change, stats.verdict(change, None, margin=EXACT_MARGIN))
        )
    return changes, (set(before) - set(cells[1]), set(after) - set(cells[0]))


def _place(cell: instructions.Cell) -> Place:
    return Place(cell.database, cell.scenario, "", cell.contender, "instructions")


def micro_series(run: micro.Run) -> dict[Place, Series]:
    """Wall and CPU time of every contender that was measured to the end, but for baseline and control."""
    found: dict[Place, Series] = {}
    for group in run.header.groups:
        trials: dict[str, dict[int, micro.Trial]] = defaultdict(dict)
        for trial in run.trials:
            if (trial.database, trial.scenario) == (group.database, group.scenario):
                trials[trial.contender][trial.number] = trial
        for contender in group.contenders:
            if run.problem(group.database, group.scenario, contender):
                trials.pop(contender, None)
        for quantity, value in {"wall": _wall, "cpu": _cpu}.items():
            place = Place(group.database, group.scenario, "", "", quantity)
            found |= _series(place, trials, value, group.baseline, group.control)
    return found


def load_series(run: load.Run) -> dict[Place, Series]:
    """CPU per request; throughput of closed loops, the 99th percentile of open ones. See `micro_series`."""
    cells: dict[tuple[str, str, str], dict[str, dict[int, load.Trial]]] = defaultdict(lambda: defaultdict(dict))
    for trial in run.trials:
        if trial.count and not run.problem(trial.database, trial.scenario, trial.contender):
            cells[trial.database, trial.scenario, trial.load][trial.contender][trial.round] = trial
    found: dict[Place, Series] = {}
    for (database, scenario, name), trials in cells.items():
        quantities: dict[str, Callable[[load.Trial], float]] = {"cpu": _cpu_per_request}
        quantities |= {"p99": _p99} if name.startswith("open") else {"throughput": _throughput}
        for quantity, value in quantities.items():
            place = Place(database, scenario, name, "", quantity)
            found |= _series(place, trials, value, run.header.baseline, run.header.control)
    return found


def _wall(trial: micro.Trial) -> float:
    return trial.wall


def _cpu(trial: micro.Trial) -> float:
    return trial.cpu


def _cpu_per_request(trial: load.Trial) -> float:
    return trial.cpu_per_request


def _throughput(trial: load.Trial) -> float:
    return trial.throughput


def _p99(trial: load.Trial) -> float:
    """0 where too few requests took longer, as in the report."""
    return trial.overall.percentile(99) if enough(trial.overall, 99) else 0.0


def _series(
    place: Place, trials: Mapping[str, Mapping[int, Any]], value: Callable[[Any], float], baseline: str, control: str
) -> dict[Place, Series]:
    """By contender; `place` says the rest. Rounds in which one of the two has no positive value are left out."""
    values = {
        contender: {number: found for number, trial in rounds.items() if (found := value(trial)) > 0}
        for contender, rounds in trials.items()
    }
    base = values.get(baseline, {})
    paired = {}
    for contender, rounds in values.items():
        numbers = sorted(rounds.keys() & base.keys())
        if numbers and contender != baseline:
            paired[contender] = [rounds[number] for number in numbers], [base[number] for number in numbers]
    floor = stats.ratio_interval(*paired[control]) if control in paired else None
    lower = place.quantity != "throughput"
    return {
        Place(place.database, place.scenario, place.load, contender, place.quantity): Series(*series, floor, lower)
        for contender, series in paired.items()
        if contender != control
    }


def differences(old: Run, new: Run) -> list[str]:
    """What the runs ran on, and how, where it is not the same: `python: CPython 3.11.7, then CPython 3.12.1`.

    How long they measured, and at what rates, is compared where both did.
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
    ]


def _facts(run: Run) -> dict[str, str]:
    facts = {name: str(run.header.environment[name]) for name in ("python", "cpu", "cores") if name in run.header.environment}
    versions = {f"{kind} server": str(facts.get("version")) for kind, facts in run.header.databases.items()}
    return {**facts, **versions, **run.header.environment.get("packages", {}), "books": str(run.header.books)}


def _terms(run: Run) -> dict[str, str]:
    """How long trials took and warmed up, into how many slices they were cut, and what rates are percentages of."""
    if isinstance(run, micro.Run):
        return {"trials": f"{run.header.seconds:g} s"}
    if isinstance(run, instructions.Run):
        return {}
    trials = {
        f"{cell.scenario}, {cell.database}, {cell.load.name}": f"{cell.seconds:g} s in {cell.slices} slices"
        for cell in run.header.cells
    }
    rates = {f"rate of {one.scenario}, {one.database}": f"{three(one.capacity)} requests a second" for one in run.rates}
    return {"warm-up": f"{run.header.warmup:g} s", **trials, **rates}
