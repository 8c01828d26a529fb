"""What verdicts are worth: runs made up from recorded slices of servers that are the same, with effects put in.

Recorded slices have the tails, the drift and the neighbours' noise of a real machine, which no formula has. 24 passes over five
contenders in 5 restarts are a minute where a slice with its waits takes 0.1 s.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.analysis.effort import wanting
from benchmarks.analysis.estimate import Comparison, Estimate, contrast, spread
from benchmarks.analysis.robust import location
from benchmarks.analysis.series import paired
from benchmarks.analysis.slices import Floats, Quantity, Slices
from benchmarks.analysis.verdict import MARGIN, Verdict, judge

BLOCK = 5
"""Passes that are drawn together: what neighbours have in common stays."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A run of one cell: so many restarts, of so many passes, of a contender that costs `effect` times what its references do.

    `scatter` is the standard deviation of a server's log cost from restart to restart. None keeps what was recorded, in which
    the recorded rounds' own uncertainty is counted a second time; a number replaces it.
    """

    restarts: int = 5
    passes: int = 24
    effect: float = 1.0
    scatter: float | None = None
    stops: bool = False
    """Whether `restarts` is but the most, from four on, and the run ends as soon as the interval is narrow enough."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of `runs` simulated runs, as shares: intervals that contain the true ratio, verdicts that are false, true ones (neither
    false nor undecided), and *same*; and the median half-width, on the log scale."""

    runs: int
    coverage: float
    false: float
    decided: float
    same: float
    half_width: float


EXPERIMENTS = (
    *(Experiment(restarts, 24) for restarts in (3, 4, 6, 8)),
    *(Experiment(passes=passes) for passes in (6, 12, 24, 48)),
    *(Experiment(scatter=scatter) for scatter in (0.0, 0.01, 0.02, 0.04)),
    *(Experiment(passes=96, scatter=scatter) for scatter in (0.0, 0.01, 0.02)),
    *(Experiment(10, 24, scatter=scatter, stops=True) for scatter in (None, 0.0, 0.02)),
    *(Experiment(effect=effect) for effect in (1.02, 1.05, 1.1, 1 / 1.1, 1.5)),
)
"""Those whose figures the report has."""


def recorded(rounds: Sequence[Mapping[str, Slices]], names: Sequence[str], quantity: Quantity) -> list[Floats]:
    """Log costs of three or more servers that are the same, one array a round: shape (servers, passes)."""
    return [paired([one[name] for name in names], quantity) for one in rounds]


def figures(record: Sequence[Floats], experiment: Experiment, runs: int, seed: int = 0) -> Figures:
    """Do the experiment `runs` times. Raises ValueError where a recorded round has fewer than three servers."""
    random = np.random.default_rng(seed)
    found = [run(record, experiment, random) for _ in range(runs)]
    verdicts = [judge(one) for one in found]
    false = sum(is_false(verdict, experiment.effect) for verdict in verdicts)
    return Figures(
        runs=runs,
        coverage=sum(one.contains(experiment.effect) for one in found) / runs,
        false=false / runs,
        decided=1 - (false + verdicts.count(Verdict.UNDECIDED)) / runs,
        same=verdicts.count(Verdict.SAME) / runs,
        half_width=float(np.median([one.half_width for one in found])),
    )


def all_figures(
    record: Sequence[Floats], runs: int, experiments: Sequence[Experiment] = EXPERIMENTS, seed: int = 0
) -> Iterator[tuple[Experiment, Figures]]:
    """One experiment after the other, each as soon as it is done."""
    for experiment in experiments:
        yield experiment, figures(record, experiment, runs, seed)


def run(record: Sequence[Floats], experiment: Experiment, random: np.random.Generator) -> Estimate:
    """The contender's estimate from one simulated run; what restarts add is that of a cell of it and the control."""
    rounds = [_restart(record, experiment, random) for _ in range(experiment.restarts)]
    counts = range(4, experiment.restarts + 1) if experiment.stops else [experiment.restarts]
    found = (_estimate(rounds[:count], experiment.effect) for count in counts)
    return next((one for one in found if not wanting(one)), None) or _estimate(rounds, experiment.effect)


def _estimate(rounds: Sequence[Floats], effect: float) -> Estimate:
    contender: Comparison = [logs[2] - logs[:2] + math.log(effect) for logs in rounds]
    control: Comparison = [logs[1] - logs[:1] for logs in rounds]
    return contrast([contender], spreads=[spread([contender, control])])


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
    """Log costs of baseline, control and contender in one round, shape (3, passes).

    A recorded round is drawn as a whole, and from it circular blocks of passes (D. Politis and J. Romano, 1992), the same for
    all, who keep the weather in common; who of its servers is which is drawn as well, so that the true ratio is exactly 1.
    """
    logs = record[int(random.integers(len(record)))]
    starts = random.integers(logs.shape[1], size=-(-experiment.passes // BLOCK))
    passes = (starts[:, None] + np.arange(BLOCK)).ravel()[: experiment.passes] % logs.shape[1]
    chosen = random.choice(len(logs), 3, replace=False)
    drawn: Floats = logs[chosen][:, passes]
    if experiment.scatter is None:
        return drawn
    centres = np.array([location([row[None]]).middle for row in logs[chosen]])
    drawn += random.normal(0, experiment.scatter, (3, 1)) - centres[:, None]
    return drawn
