"""What the report shows of a cell of the load benchmark: a row for each contender, with ratios and verdicts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.analysis import cells
from benchmarks.analysis.cells import CellResult, Name, lower_is_better, percentile, quantities, results
from benchmarks.analysis.estimate import Estimate
from benchmarks.analysis.verdict import Verdict, judge
from benchmarks.raw.load import Load, Run, Trial
from benchmarks.raw.problem import Problem

Quantity = Name

SPECIAL = ("fan-out", "bulk", "export")
"""Scenarios that are not what a server does all day."""
VALUES: dict[Quantity, Callable[[Trial], float]] = {
    "cpu": lambda trial: trial.cpu_per_request,
    "throughput": lambda trial: trial.throughput,
    "p50": lambda trial: percentile(trial, 50),
    "p99": lambda trial: percentile(trial, 99),
}
"""Seconds of the server's CPU time per request, requests a second, seconds; 0 where there is none."""


@dataclass(frozen=True)
class Measured:
    """One quantity of one contender, a value for each round; `estimate` and `verdict` are None for the baseline itself."""

    values: tuple[float, ...]
    estimate: Estimate | None
    verdict: Verdict | None


@dataclass(frozen=True)
class Row:
    """A contender in a cell, its trials in the order of the rounds. `problem` says why it failed here, if it did."""

    contender: str
    problem: Problem | None
    measured: Mapping[Quantity, Measured]
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Comparison:
    """A cell with its rows, all contenders but the control, whose ratio to the baseline is `control`."""

    result: CellResult
    rows: tuple[Row, ...]
    control: Mapping[Quantity, Estimate]

    @property
    def database(self) -> str:
        """Its kind."""
        return self.result.cell.database

    @property
    def scenario(self) -> str:
        """What is asked."""
        return self.result.cell.scenario

    @property
    def load(self) -> Load:
        """Under which it is asked."""
        return self.result.cell.load

    @property
    def baseline(self) -> str:
        """Whose ratio is 1."""
        return self.result.baseline

    @property
    def rounds(self) -> int:
        """In which the baseline was measured."""
        return len(self.result.sound(self.baseline))

    def row(self, contender: str) -> Row | None:
        """The contender's row; None where it took no part."""
        return next((row for row in self.rows if row.contender == contender), None)

    def verdict(self, contender: str, quantity: Quantity) -> Verdict | None:
        """What was found; None for the baseline, and where there is nothing to judge."""
        row = self.row(contender)
        measured = row.measured.get(quantity) if row else None
        return measured.verdict if measured else None


def summarize(run: Run) -> list[Comparison]:
    """Every cell of the run in which anything is known of a contender, in the run's order."""
    return [_comparison(result) for result in results(run)]


def deciding(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Of each scenario on each database the closed loop that compares most contenders; among equals that of most connections."""
    chosen: dict[tuple[str, str], Comparison] = {}
    for one in comparisons:
        place = (one.database, one.scenario)
        if one.load.percent is None and (place not in chosen or _rank(one) > _rank(chosen[place])):
            chosen[place] = one
    return list(chosen.values())


def delay(run: Run, scenario: str) -> float | None:
    """Milliseconds that the scenario's query waits, None where it is no such scenario."""
    found = run.header.scenarios.get(scenario, {}).get("delay")
    return None if found is None else float(found)


def ordinary(run: Run, comparisons: Sequence[Comparison], database: str) -> list[Comparison]:
    """Single reads and writes, lists, and their mix, at the deciding load."""
    return [one for one in plain(run, comparisons, database) if one.scenario not in SPECIAL]


def plain(run: Run, comparisons: Sequence[Comparison], database: str) -> list[Comparison]:
    """Scenarios whose queries do not wait, at the deciding load."""
    return [one for one in deciding(comparisons) if one.database == database and delay(run, one.scenario) is None]


def _rank(comparison: Comparison) -> tuple[int, int]:
    return (len(comparison.rows), comparison.load.connections)


def _comparison(result: CellResult) -> Comparison:
    names = [name for name in result.cell.contenders if name != result.control]
    judged = quantities(result.cell.load)
    control = {quantity: found for quantity in judged if (found := result.estimate(result.control, quantity))}
    return Comparison(result, tuple(_row(result, name) for name in names), control)


def _row(result: CellResult, name: str) -> Row:
    measured: dict[Quantity, Measured] = {}
    for quantity in quantities(result.cell.load):
        sound = (trial for _, trial in sorted(result.sound(name).items()) if trial.count)
        if values := tuple(value for trial in sound if (value := VALUES[quantity](trial)) > 0):
            estimate = result.estimate(name, quantity)
            measured[quantity] = Measured(values, estimate, _judged(estimate, quantity) if estimate else None)
    trials = tuple(trial for _, trial in sorted(result.trials.get(name, {}).items()))
    return Row(name, result.problems.get(name), measured, trials)


def _judged(estimate: Estimate, quantity: Quantity) -> Verdict:
    return judge(estimate, lower_is_better=lower_is_better(quantity))


@dataclass(frozen=True)
class Pooled:
    """A contender over several scenarios taken together, each of equal weight, and the control over the same."""

    scenarios: tuple[str, ...]
    estimate: Estimate
    control: Estimate | None
    verdict: Verdict


def pooled(comparisons: Sequence[Comparison], contender: str, quantity: Quantity) -> Pooled | None:
    """Over those in which the contender was compared in two rounds or more; None where there are none."""
    found = [(one, row.measured.get(quantity)) for one in comparisons if (row := one.row(contender))]
    chosen = [one for one, measured in found if measured and measured.estimate and measured.estimate.restarts > 1]
    here = [one.result for one in chosen]
    if (estimate := cells.pooled(here, contender, quantity)) is None:
        return None
    control = cells.pooled(here, here[0].control, quantity)
    return Pooled(tuple(one.scenario for one in chosen), estimate, control, _judged(estimate, quantity))
