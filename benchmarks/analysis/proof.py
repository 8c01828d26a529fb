"""What verdicts are worth: runs made up from recorded slices of servers that are the same, with effects put in.

Recorded slices have the tails, the drift and the neighbours' noise of a real machine, which no formula has.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.analysis.cells import BY_SLICE, CLOCK, CellResult, Name, lower_is_better, quantities, uncalibrated
from benchmarks.analysis.estimate import Estimate, contrast, spread
from benchmarks.analysis.robust import location
from benchmarks.analysis.series import paired
from benchmarks.analysis.slices import Floats, Quantity, Slices
from benchmarks.analysis.verdict import MARGIN, NARROW, Verdict, judge
from benchmarks.raw.load import LoadRun
from benchmarks.raw.proof import ProofRow
from benchmarks.subjects.profiles import PROFILES
from benchmarks.subjects.scenarios import SCENARIOS

BLOCK = 5
"""Passes that are drawn together: what neighbours have in common stays."""
SERVERS = 5
"""As many of a cell are simulated, at most: the questions that `make bench` answers have three to five."""
EFFECT = math.log(1.1)
ALL, ASKED, WAITING = "all cells", "what `make bench` asks", "those that wait in a query"
PROMISES = {"coverage": (0.93, 0.97), "false": (0.0, 0.05), "same": (0.8, 1.0), "found": (0.9, 1.0)}
"""Between which shares the figures have to lie."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A run of one cell: so many restarts, of so many passes, or of as many as were recorded.

    `scatter` is the standard deviation of a server's log cost from restart to restart. None keeps what was recorded, in which
    the recorded rounds' own uncertainty is counted a second time; a number replaces it.
    """

    restarts: int = 5
    passes: int | None = 24
    scatter: float | None = None
    stops: bool = False
    """Whether `restarts` is but the most, from two on, and the run ends as soon as the interval is narrow enough."""


EXPERIMENTS = (Experiment(4, None), Experiment(10, None, stops=True))
"""As `make bench` spends its time: two rounds of each of five cells take 134 of its 255 s, and the rest makes eight more. So a
comparison has about four, and the widest up to ten, until it is narrow enough."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of simulated runs, see `benchmarks.raw.proof.ProofRow`."""

    coverage: float
    false: float
    same: float
    found: float
    half_width: float
    slices: float


FIGURES = tuple(one.name for one in fields(Figures))


def recorded(rounds: Sequence[Mapping[str, Slices]], names: Sequence[str], quantity: Quantity) -> list[Floats]:
    """Log costs of three or more servers that are the same, one array a round: shape (servers, passes)."""
    return [paired([one[name] for name in names], quantity) for one in rounds]


def cells(run: LoadRun) -> Iterator[tuple[CellResult, Name, list[Floats]]]:
    """The cells and quantities of a recorded run that can be simulated, with the log costs of servers made the same.

    Of each server but the baseline its mean difference, over the whole run, is taken off; what is left differs as the slices
    and the restarts of servers do. Whose slices span more passes than the baseline's or the control's are left out, and cells
    with fewer than three servers or two rounds, or with no more passes a round than are drawn together.
    """
    for one in uncalibrated(run):
        base = one.sound(one.baseline)
        longest = {
            name: max(turns for trial in one.sound(name).values() for turns in trial.slices.turns)
            for name in one.cell.contenders
            if one.sound(name).keys() >= base.keys() > set()
        }
        spanned = max((longest[name] for name in (one.baseline, one.control) if name in longest), default=0)
        names = [name for name, turns in longest.items() if turns <= spanned][:SERVERS]
        if one.cell.load.percent is not None or len(names) < 3:
            continue
        rounds = [{name: Slices.of(vars(one.sound(name)[number].slices)) for name in names} for number in sorted(base)]
        for quantity in quantities(one.cell.load):
            logs = [each for each in recorded(rounds, names, BY_SLICE[quantity]) if each.shape[1] > BLOCK]
            if len(logs) > 1:
                effects = [location([(each[place] - each[0])[None] for each in logs]).middle for place in range(len(names))]
                yield one, quantity, [each - np.array(effects)[:, None] for each in logs]


def row(one: CellResult, quantity: Name, record: Sequence[Floats], experiment: Experiment, runs: int) -> ProofRow:
    """Of an experiment on a cell."""
    found = figures(record, experiment, runs, lower_is_better=lower_is_better(quantity))
    where = (one.cell.database, one.cell.scenario, one.cell.load.name, quantity)
    return ProofRow(
        *where, len(record[0]), experiment.restarts, experiment.stops, **{name: getattr(found, name) for name in FIGURES}
    )


def means(rows: Sequence[ProofRow]) -> list[ProofRow]:
    """Of each group of cells one for each quantity and experiment, each cell of equal weight."""
    asked = {(*one.where, one.quantity) for one in PROFILES["quick"].asked}
    groups = {
        ALL: rows,
        ASKED: [one for one in rows if (one.database, one.scenario, one.load, one.quantity) in asked],
        WAITING: [one for one in rows if one.scenario in SCENARIOS and SCENARIOS[one.scenario].delay is not None],
    }
    return [mean for name, group in groups.items() for mean in _means(name, group)]


def _means(name: str, rows: Sequence[ProofRow]) -> Iterator[ProofRow]:
    found: dict[tuple[str, int, bool], list[ProofRow]] = {}
    for one in rows:
        found.setdefault((one.quantity, one.restarts, one.stops), []).append(one)
    for group in found.values():
        averages: dict[str, Any] = {name: fmean(getattr(one, name) for one in group) for name in FIGURES}
        yield replace(group[0], database="", scenario=name, load="", **averages)


def broken(mean: ProofRow) -> list[str]:
    """The names of the promises that the figures do not keep."""
    return [name for name, (low, high) in PROMISES.items() if not low <= getattr(mean, name) <= high]


def figures(
    record: Sequence[Floats], experiment: Experiment, runs: int, seed: int = 0, *, lower_is_better: bool = True
) -> Figures:
    """Do the experiment `runs` times. An effect moves an interval and leaves its width, so that each run serves for all of them.

    Raises ValueError where a recorded round has fewer than three servers.
    """
    if any(len(logs) < 3 for logs in record):
        raise ValueError("a recorded round has fewer than three servers")
    random = np.random.default_rng(seed)
    estimates = [run(record, experiment, random) for _ in range(runs)]
    verdicts = {
        effect: [judge(_moved(one, effect), lower_is_better=lower_is_better) for one in estimates]
        for effect in (-EFFECT, 0.0, EFFECT)
    }
    false = {
        effect: sum(is_false(one, math.exp(effect if lower_is_better else -effect)) for one in found)
        for effect, found in verdicts.items()
    }
    decided = [len(found) - found.count(Verdict.UNDECIDED) - false[effect] for effect, found in verdicts.items() if effect]
    return Figures(
        coverage=sum(one.contains(1) for one in estimates) / runs,
        false=max(false.values()) / runs,
        same=verdicts[0.0].count(Verdict.SAME) / runs,
        found=sum(decided) / (2 * runs),
        half_width=float(np.median([one.half_width for one in estimates])),
        slices=fmean(one.slices for one in estimates),
    )


def _moved(one: Estimate, effect: float) -> Estimate:
    times = math.exp(effect)
    return replace(one, ratio=one.ratio * times, low=one.low * times, high=one.high * times)


def run(record: Sequence[Floats], experiment: Experiment, random: np.random.Generator) -> Estimate:
    """The contender's estimate from one simulated run, with what restarts add by all servers of the cell."""
    rounds = [_restart(record, experiment, random) for _ in range(experiment.restarts)]
    counts = range(2, experiment.restarts) if experiment.stops else []
    found = (_estimate(rounds[:count]) for count in counts)
    return next((one for one in found if one.half_width <= NARROW), None) or _estimate(rounds)


def _estimate(rounds: Sequence[Floats]) -> Estimate:
    """Of the third server; the first two are baseline and control."""
    contenders = [[logs[place] - logs[:2] for logs in rounds] for place in range(2, len(rounds[0]))]
    control = [logs[1] - logs[:1] for logs in rounds]
    return contrast([contenders[0]], spreads=[spread([*contenders, control])], resolution=CLOCK)


def is_false(verdict: Verdict, truth: float, margin: float = MARGIN) -> bool:
    """Whether it says what is not so of a true ratio of costs."""
    if verdict is Verdict.SAME:
        return not 1 / (1 + margin) <= truth <= 1 + margin
    if verdict in (Verdict.BETTER, Verdict.SLIGHTLY_BETTER):
        return truth >= (1 / (1 + margin) if verdict is Verdict.BETTER else 1)
    if verdict in (Verdict.WORSE, Verdict.SLIGHTLY_WORSE):
        return truth <= (1 + margin if verdict is Verdict.WORSE else 1)
    return False


def _restart(record: Sequence[Floats], experiment: Experiment, random: np.random.Generator) -> Floats:
    """Log costs of all servers in one round, shape (servers, passes).

    A recorded round is drawn as a whole, and from it circular blocks of passes (D. Politis and J. Romano, 1992), the same for
    all, who keep the weather in common; who of its servers is which is drawn as well, so that the true ratio is exactly 1.
    """
    logs = record[int(random.integers(len(record)))]
    wanted = experiment.passes or logs.shape[1]
    starts = random.integers(logs.shape[1], size=-(-wanted // BLOCK))
    passes = (starts[:, None] + np.arange(BLOCK)).ravel()[:wanted] % logs.shape[1]
    chosen = random.permutation(len(logs))
    drawn: Floats = logs[chosen][:, passes]
    if experiment.scatter is None:
        return drawn
    centres = np.array([location([one[None]]).middle for one in logs[chosen]])
    drawn += random.normal(0, experiment.scatter, (len(logs), 1)) - centres[:, None]
    return drawn
