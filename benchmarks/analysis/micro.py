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
from benchmarks.analysis.verdict import Finding, judge
from benchmarks.raw.micro import Group, MicroRun, MicroTrial

Quantity = Literal["wall", "cpu"]
QUANTITIES: tuple[Quantity, ...] = ("wall", "cpu")


@dataclass(frozen=True)
class MicroRow:
    """A contender in a scenario on a database: medians over passes in microseconds, and ratios to the baseline, but of itself.

    Where `problem` says why it was not measured (to the end), both are empty.
    """

    database: str
    scenario: str
    title: str
    contender: str
    problem: str | None
    medians: Mapping[Quantity, float]
    findings: Mapping[Quantity, Finding]

    def finding(self, quantity: Quantity) -> Finding:
        """What was found of the quantity."""
        return self.findings.get(quantity, Finding(problem=self.problem))


@dataclass(frozen=True)
class Passes:
    """What was recorded of a group: the trials of those that did not fail, by contender and pass."""

    group: Group
    trials: Mapping[str, Mapping[int, MicroTrial]]

    def logs(self, contender: str, quantity: Quantity) -> list[Floats]:
        """Log-ratios to the baseline: of every pass that has both an array of a single one, which is Student's t of passes."""
        if contender == self.group.baseline:
            return []
        mine, base = (self.trials.get(name, {}) for name in (contender, self.group.baseline))
        both = sorted(mine.keys() & base.keys())
        return [np.log([[getattr(mine[one], quantity) / getattr(base[one], quantity)]]) for one in both]

    def estimate(self, contender: str, quantity: Quantity) -> Estimate | None:
        """The ratio to the baseline; None where no pass has both."""
        logs = self.logs(contender, quantity)
        return contrast([logs], resolution=CLOCK) if logs else None


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


def summarize(run: MicroRun) -> list[MicroRow]:
    """All but the controls of every group of the run in which the baseline was measured to the end, in the run's order."""
    factors = {quantity: one.factor for quantity, one in calibrations(run).items()}
    measured = (one for one in recorded(run) if one.trials.get(one.group.baseline))
    return [_row(run, one, name, factors) for one in measured for name in one.group.contenders if name != one.group.control]


def _row(run: MicroRun, passes: Passes, name: str, factors: Mapping[Quantity, float]) -> MicroRow:
    medians, findings = dict[Quantity, float](), dict[Quantity, Finding]()
    for quantity in QUANTITIES if passes.trials.get(name) else ():
        medians[quantity] = statistics.median(getattr(trial, quantity) for trial in passes.trials[name].values())
        estimate = passes.estimate(name, quantity)
        ratio = estimate.widened(factors[quantity]) if estimate else None
        findings[quantity] = Finding(ratio, judge(ratio) if ratio else None)
    group = passes.group
    problem = run.problem(group.database, group.scenario, name)
    return MicroRow(group.database, group.scenario, group.title, name, problem, medians, findings)
