"""From a raw file to ratios: who was measured in which cell, against whom, and what came of it.

Live view, report, answers and `compare` all ask here, so that none of them pairs trials in a way of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from benchmarks.analysis import slices
from benchmarks.analysis.calibration import Calibration, calibrate
from benchmarks.analysis.estimate import Comparison, Estimate, Spread, contrast, spread
from benchmarks.analysis.series import log_ratios
from benchmarks.analysis.slices import Floats, Quantity, Slices
from benchmarks.load import Histogram
from benchmarks.raw.load import Load, LoadCell, LoadRun, LoadTrial
from benchmarks.raw.problem import Problem

Name = Literal["cpu", "throughput", "database", "p50", "p99"]
"""What is compared: CPU seconds of the server a request, right answers a second, CPU seconds of the database a request, and
percentiles of the latency in seconds."""

BY_SLICE: Mapping[Name, Quantity] = {"cpu": slices.CPU, "throughput": slices.THROUGHPUT, "database": slices.DATABASE_CPU}
BY_ROUND: Mapping[Name, float] = {"p50": 50, "p99": 99}
"""Percentiles, of which a trial gives one value: a slice has too few requests."""
BEYOND = 30
"""A percentile is shown where at least so many requests took longer in all rounds of a cell: a p99 takes 3,000."""
IN_A_ROUND = 5
"""And compared where so many did in each round: how the rounds' percentiles scatter is in the interval."""
CLOCK = 1e-3
"""What is resolved of a ratio, at best: between two readings of a clock lies more than a millionth of what is timed."""


def quantities(load: Load) -> tuple[Name, ...]:
    """What is judged: cost and capacity in a closed loop, cost and latency in an open one."""
    return ("cpu", "throughput") if load.percent is None else ("cpu", "p50", "p99")


def lower_is_better(quantity: str) -> bool:
    """Whether a ratio below 1 is a gain."""
    return quantity != "throughput"


@dataclass(frozen=True)
class CellResult:
    """A cell with what was recorded of it. `trials` are by contender and round; `problems` says who failed here, and how.

    `factors` is what the run's calibration widens the intervals of each quantity by. Those who failed have no ratios, and nobody
    has one to them: what they did before they failed is not what they do.
    """

    cell: LoadCell
    baseline: str
    control: str
    trials: Mapping[str, Mapping[int, LoadTrial]]
    problems: Mapping[str, Problem]
    factors: Mapping[Name, float]
    _logs: dict[tuple[str, Name, tuple[str, ...]], Comparison] = field(default_factory=dict, compare=False, repr=False)
    _spreads: dict[Name, Spread] = field(default_factory=dict, compare=False, repr=False)

    def sound(self, contender: str) -> Mapping[int, LoadTrial]:
        """The contender's trials by round, none if it failed."""
        return {} if contender in self.problems else self.trials.get(contender, {})

    def references(self, contender: str) -> tuple[str, ...]:
        """Who it is compared with where nobody else is named: the baseline, and the control, which is the baseline again."""
        return tuple(name for name in (self.baseline, self.control) if name != contender and self.sound(name))

    def logs(self, contender: str, quantity: Name, references: Sequence[str] = ()) -> Comparison:
        """Log-ratios to the references: an array for each round in which all were measured, see `estimate.contrast`.

        Empty where there are no references, or the baseline itself is compared with the control.
        """
        chosen = tuple(name for name in references or self.references(contender) if self.sound(name))
        if not chosen or (contender == self.baseline and not references):
            return []
        place = (contender, quantity, chosen)
        if place not in self._logs:
            self._logs[place] = list(self._paired(*place))
        return self._logs[place]

    def _paired(self, contender: str, quantity: Name, chosen: Sequence[str]) -> Iterator[Floats]:
        mine, theirs = self.sound(contender), [self.sound(name) for name in chosen]
        if quantity in BY_ROUND:
            together = (Histogram.merged(trial.overall for trial in trials.values()) for trials in (mine, *theirs))
            if not all(enough(one, BY_ROUND[quantity]) for one in together):
                return
        rounds = [number for number in sorted(mine) if all(number in trials for trials in theirs)]
        found = (_paired(mine[number], [trials[number] for trials in theirs], quantity) for number in rounds)
        yield from (one for one in found if one.size)

    def estimate(self, contender: str, quantity: Name, references: Sequence[str] = ()) -> Estimate | None:
        """Its ratio to the references, by default to baseline and control; None where nothing can be compared."""
        logs = self.logs(contender, quantity, references)
        return _ratio([self], [logs], [self.spread(quantity, logs if references else ())], quantity)

    def spread(self, quantity: Name, pair: Comparison = ()) -> Spread:
        """How much restarts add, by all contenders of the cell together, and by a comparison of two of them, if one is given:
        the same whichever of the two is compared with the other.
        """
        if pair:
            return spread([*self._all(quantity), pair])
        if quantity not in self._spreads:
            self._spreads[quantity] = spread(self._all(quantity))
        return self._spreads[quantity]

    def _all(self, quantity: Name) -> list[Comparison]:
        return [logs for name in self.cell.contenders if (logs := self.logs(name, quantity))]


def results(run: LoadRun) -> list[CellResult]:
    """Every cell of the run in which anything is known of a contender, in the run's order, calibrated by its controls."""
    plain = list(uncalibrated(run))
    factors = {name: one.factor for name, one in calibrations(plain).items()}
    return [replace(one, factors=factors) for one in plain]


def calibrations(cells: Sequence[CellResult]) -> dict[Name, Calibration]:
    """By quantity, from the controls of all cells of a run, whatever their intervals are widened by."""
    found: dict[Name, list[Estimate]] = {}
    for one in (replace(each, factors={}) for each in cells):
        for quantity in quantities(one.cell.load):
            if estimate := one.estimate(one.control, quantity):
                found.setdefault(quantity, []).append(estimate)
    return {quantity: calibrate(estimates) for quantity, estimates in found.items()}


def pooled(cells: Sequence[CellResult], contender: str, quantity: Name) -> Estimate | None:
    """The geometric mean of its ratios over several cells, each of equal weight; None where one of them has none."""
    strata = [one.logs(contender, quantity) for one in cells]
    return _ratio(cells, strata, [one.spread(quantity) for one in cells], quantity)


def _ratio(
    cells: Sequence[CellResult], strata: Sequence[Comparison], spreads: Sequence[Spread], quantity: Name
) -> Estimate | None:
    if not strata or not all(strata):
        return None
    found = contrast(strata, spreads=spreads, resolution=CLOCK)
    return found.widened(max(one.factors.get(quantity, 1.0) for one in cells))


def uncalibrated(run: LoadRun) -> Iterator[CellResult]:
    """The cells as `results` gives them, but for the factors, which are 1."""
    trials: dict[tuple[str, str, str], dict[str, dict[int, LoadTrial]]] = {}
    for trial in run.trials:
        place = (trial.database, trial.scenario, trial.load)
        trials.setdefault(place, {}).setdefault(trial.contender, {})[trial.round] = trial
    for cell in run.header.cells:
        here = trials.get((cell.database, cell.scenario, cell.load.name), {})
        problems = {name: problem for name in cell.contenders if (problem := _problem(run, cell, name, name in here))}
        if here or problems:
            yield CellResult(cell, run.header.baseline, run.header.control, here, problems, {})


def _problem(run: LoadRun, cell: LoadCell, contender: str, measured: bool) -> Problem | None:
    """Why it fails in this cell: what went wrong here, or, where it was not measured, before or under another load."""
    where = (cell.database, cell.scenario, contender, cell.load.name)
    for failure in run.failures:
        if (failure.database, failure.scenario, failure.contender, failure.load) == where:
            return failure.problem
    return None if measured else run.problem(cell.database, cell.scenario, contender)


def _paired(mine: LoadTrial, theirs: Sequence[LoadTrial], quantity: Name) -> Floats:
    """Shape (references, values)."""
    if quantity in BY_SLICE:
        return log_ratios(_slices(mine), [_slices(one) for one in theirs], BY_SLICE[quantity])
    values = [percentile(one, BY_ROUND[quantity]) for one in (mine, *theirs)]
    if not all(values):
        return np.empty((len(theirs), 0))
    return np.asarray(np.log(values[0]) - np.log([[value] for value in values[1:]]), float)


def _slices(trial: LoadTrial) -> Slices:
    return Slices.of(vars(trial.slices))


def percentile(trial: LoadTrial, percent: float) -> float:
    """Seconds; 0 where too few requests of this round took longer."""
    return trial.overall.percentile(percent) if _beyond(trial.overall, percent) >= IN_A_ROUND else 0.0


def enough(histogram: Histogram, percent: float) -> bool:
    """Whether `BEYOND` requests took longer."""
    return _beyond(histogram, percent) >= BEYOND


def _beyond(histogram: Histogram, percent: float) -> float:
    return round(histogram.count * (1 - percent / 100), 6)
