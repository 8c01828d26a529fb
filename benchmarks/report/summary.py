"""From raw results to comparisons: ratios within passes, their intervals and verdicts. Pure; all numbers come from `stats`."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from benchmarks import stats
from benchmarks.raw.micro import Group, Run, Trial
from benchmarks.stats import Estimate, Verdict

T = TypeVar("T")
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
class Row:
    """A contender in a group. Where `problem` says why it was not measured (to the end), `measured` is empty."""

    contender: str
    problem: str | None
    measured: dict[Quantity, Measured]


@dataclass(frozen=True)
class Comparison:
    """A group with its rows, all contenders but the control, whose ratio to the baseline is the noise floor.

    `scatter` is that of the control's log-ratios, empty with too few passes; `flags` says which of the `series` of values,
    one for each contender and quantity, are unstable.
    """

    group: Group
    rows: tuple[Row, ...]
    passes: int
    floor: dict[Quantity, Estimate]
    scatter: dict[Quantity, float]
    series: int
    flags: tuple[str, ...]

    def row(self, contender: str) -> Row:
        """The contender's row."""
        return next(row for row in self.rows if row.contender == contender)


def summarize(run: Run) -> list[Comparison]:
    """Every group of the run in which the baseline was measured to the end, in the run's order."""
    comparisons = (_compare(run, group) for group in run.header.groups)
    return [comparison for comparison in comparisons if comparison is not None]


def _compare(run: Run, group: Group) -> Comparison | None:
    trials: dict[str, dict[int, Trial]] = {contender: {} for contender in group.contenders}
    for trial in run.trials:
        if (trial.database, trial.scenario) == (group.database, group.scenario):
            trials[trial.contender][trial.number] = trial
    baseline, control = (
        {} if run.problem(group.database, group.scenario, name) else trials[name] for name in (group.baseline, group.control)
    )
    if not baseline:
        return None
    floor = {quantity: estimate for quantity in QUANTITIES if (estimate := _estimate(control, baseline, quantity))}
    rows = []
    for contender in group.contenders:
        if contender != group.control:
            problem = run.problem(group.database, group.scenario, contender)
            measured = {} if problem else _measured(trials[contender], baseline, floor)
            rows.append(Row(contender, problem, measured))
    series = len(QUANTITIES) * sum(bool(found) for found in trials.values())
    return Comparison(group, tuple(rows), len(baseline), floor, _scatter(control, baseline), series, _flags(group, trials))


def _measured(trials: dict[int, Trial], baseline: dict[int, Trial], floor: dict[Quantity, Estimate]) -> dict[Quantity, Measured]:
    measured: dict[Quantity, Measured] = {}
    for quantity in QUANTITIES if trials else ():
        median = statistics.median(_value(trial, quantity) for trial in trials.values())
        estimate = _estimate(trials, baseline, quantity) if trials is not baseline else None
        verdict = stats.verdict(estimate, floor.get(quantity)) if estimate else None
        measured[quantity] = Measured(median, estimate, verdict)
    return measured


def _estimate(trials: dict[int, Trial], baseline: dict[int, Trial], quantity: Quantity) -> Estimate | None:
    return _paired(stats.ratio_interval, trials, baseline, quantity) if trials.keys() & baseline.keys() else None


def _scatter(control: dict[int, Trial], baseline: dict[int, Trial]) -> dict[Quantity, float]:
    if len(control.keys() & baseline.keys()) < 2:
        return {}
    return {quantity: _paired(stats.scatter, control, baseline, quantity) for quantity in QUANTITIES}


def _paired(
    function: Callable[[list[float], list[float]], T], trials: dict[int, Trial], baseline: dict[int, Trial], quantity: Quantity
) -> T:
    """Call `function` with the values of the passes in which both were measured."""
    numbers = sorted(trials.keys() & baseline.keys())
    return function(*([_value(one[number], quantity) for number in numbers] for one in (trials, baseline)))


def _flags(group: Group, trials: dict[str, dict[int, Trial]]) -> tuple[str, ...]:
    """What is unstable, without the limits, which the report states once."""
    flags = []
    for contender in group.contenders:
        for quantity in QUANTITIES if trials[contender] else ():
            found = stats.instabilities([_value(trial, quantity) for _, trial in sorted(trials[contender].items())])
            if found:
                text = re.sub(", more than [0-9]+%", "", "; ".join(found))
                flags.append(f"{contender}, {quantity}: {text.replace('rounds', 'passes').replace('%', ' %')}")
    return tuple(flags)


def _value(trial: Trial, quantity: Quantity) -> float:
    return trial.wall if quantity == "wall" else trial.cpu
