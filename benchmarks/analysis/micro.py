"""From raw results of the in-process comparison to ratios within passes, their intervals and verdicts. Pure."""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.analysis.calibration import Calibration, calibrate
from benchmarks.analysis.cells import CLOCK
from benchmarks.analysis.estimate import Estimate, contrast
from benchmarks.analysis.slices import Floats
from benchmarks.analysis.verdict import Verdict, judge
from benchmarks.raw.micro import Group, MicroRun, MicroTrial

Quantity = Literal["wall", "cpu"]
QUANTITIES: tuple[Quantity, ...] = ("wall", "cpu")


@dataclass(frozen=True)
class Measured:
    """One quantity of one contender: the median over passes in microseconds, and the ratio to the baseline.

    `estimate` and `verdict` are None for the baseline itself.
    """

    median: float
    estimate: Estimate | None
    verdict: Verdict | None


@dataclass(frozen=True)
class MicroRow:
    """A contender in a group. Where `problem` says why it was not measured (to the end), `measured` is empty."""

    contender: str
    problem: str | None
    measured: Mapping[Quantity, Measured]


@dataclass(frozen=True)
class MicroComparison:
    """A group with its rows, all contenders but the control, whose ratio to the baseline is `control`."""

    group: Group
    rows: tuple[MicroRow, ...]
    control: Mapping[Quantity, Estimate]

    def row(self, contender: str) -> MicroRow:
        """The contender's row."""
        return next(row for row in self.rows if row.contender == contender)


@dataclass(frozen=True)
class Passes:
    """What was recorded of a group: the trials of those that did not fail, by contender and pass."""

    group: Group
    trials: Mapping[str, Mapping[int, MicroTrial]]

    def logs(self, contender: str, quantity: Quantity) -> list[Floats]:
        """Log-ratios to the baseline: of every pass that has both an array of a single one, which is Student's t of passes."""
        mine, base = (self.trials.get(name, {}) for name in (contender, self.group.baseline))
        pairs = ((value(mine[number], quantity), value(base[number], quantity)) for number in sorted(mine.keys() & base.keys()))
        return [np.log([[one / other]]) for one, other in pairs] if contender != self.group.baseline else []

    def estimate(self, contender: str, quantity: Quantity) -> Estimate | None:
        """The ratio to the baseline; None where no pass has both."""
        logs = self.logs(contender, quantity)
        return contrast([logs], resolution=CLOCK) if logs else None


def value(trial: MicroTrial, quantity: Quantity) -> float:
    """Microseconds."""
    return trial.wall if quantity == "wall" else trial.cpu


def recorded(run: MicroRun) -> Iterator[Passes]:
    """Every group, in the run's order."""
    for group in run.header.groups:
        trials: dict[str, dict[int, MicroTrial]] = {}
        for trial in run.trials:
            if (trial.database, trial.scenario) == (group.database, group.scenario):
                trials.setdefault(trial.contender, {})[trial.number] = trial
        failing = {name for name in trials if run.problem(group.database, group.scenario, name)}
        yield Passes(group, {name: found for name, found in trials.items() if name not in failing})


def calibrations(run: MicroRun) -> dict[Quantity, Calibration]:
    """By the intervals of the control in all groups."""
    groups = list(recorded(run))
    return {
        quantity: calibrate([found for one in groups if (found := one.estimate(one.group.control, quantity))])
        for quantity in QUANTITIES
    }


def summarize(run: MicroRun) -> list[MicroComparison]:
    """Every group of the run in which the baseline was measured to the end, in the run's order."""
    factors = {quantity: one.factor for quantity, one in calibrations(run).items()}
    return [_compare(run, one, factors) for one in recorded(run) if one.trials.get(one.group.baseline)]


def _compare(run: MicroRun, passes: Passes, factors: Mapping[Quantity, float]) -> MicroComparison:
    group = passes.group
    estimates = {
        name: {
            quantity: found.widened(factors[quantity]) for quantity in QUANTITIES if (found := passes.estimate(name, quantity))
        }
        for name in group.contenders
    }
    rows = []
    for name in group.contenders:
        measured: dict[Quantity, Measured] = {}
        for quantity in QUANTITIES if passes.trials.get(name) else ():
            median = statistics.median(value(trial, quantity) for trial in passes.trials[name].values())
            estimate = estimates[name].get(quantity)
            measured[quantity] = Measured(median, estimate, judge(estimate) if estimate else None)
        if name != group.control:
            rows.append(MicroRow(name, run.problem(group.database, group.scenario, name), measured))
    return MicroComparison(group, tuple(rows), estimates[group.control])
