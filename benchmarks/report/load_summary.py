"""From the raw results of the load benchmark to comparisons: ratios within rounds, their intervals and verdicts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks import stats
from benchmarks.raw.load import Cell, Load, Run, Trial
from benchmarks.report.latency import enough
from benchmarks.stats import Estimate, Verdict

Quantity = Literal["cpu", "throughput", "p50", "p99"]
Rounds = Mapping[int, Trial]
"""The trials of one contender in one cell, by round."""

SPECIAL = ("fan-out", "bulk", "export")
"""Scenarios that are not what a server does all day."""


def quantities(load: Load) -> tuple[Quantity, ...]:
    """What is judged: cost and capacity in a closed loop, cost and latency in an open one."""
    return ("cpu", "throughput") if load.percent is None else ("cpu", "p50", "p99")


VALUES: dict[Quantity, Callable[[Trial], float]] = {
    "cpu": lambda trial: trial.cpu_per_request,
    "throughput": lambda trial: trial.throughput,
    "p50": lambda trial: _percentile(trial, 50),
    "p99": lambda trial: _percentile(trial, 99),
}
"""Seconds of the server's CPU time per request, requests a second, seconds; 0 where there is none."""


def _percentile(trial: Trial, percent: float) -> float:
    return trial.overall.percentile(percent) if enough(trial.overall, percent) else 0.0


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
    problem: str | None
    measured: Mapping[Quantity, Measured]
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Comparison:
    """A cell with its rows, all contenders but the control, whose ratio to the baseline is the noise floor.

    `scatter` is that of the control's log-ratios, empty with fewer than two rounds; `flags` says what is unstable; `logs` are
    the log-ratios to the baseline by round, the control's among them. A baseline that failed leaves no ratios, a control that
    failed no floor: what they did before is not what they do.
    """

    database: str
    scenario: str
    load: Load
    rounds: int
    baseline: str
    rows: tuple[Row, ...]
    floor: Mapping[Quantity, Estimate]
    scatter: Mapping[Quantity, float]
    flags: tuple[str, ...]
    logs: Mapping[str, Mapping[Quantity, tuple[float, ...]]]

    def row(self, contender: str) -> Row | None:
        """The contender's row; None where it took no part."""
        return next((row for row in self.rows if row.contender == contender), None)

    def verdict(self, contender: str, quantity: Quantity) -> Verdict | None:
        """What was found; None for the baseline, and where there is nothing to judge."""
        row = self.row(contender)
        measured = row.measured.get(quantity) if row and not row.problem else None
        return measured.verdict if measured else None


def summarize(run: Run) -> list[Comparison]:
    """Every cell of the run in which anything is known of a contender, in the run's order."""
    found: dict[tuple[str, str, str], dict[str, dict[int, Trial]]] = {}
    for trial in run.trials:
        place = (trial.database, trial.scenario, trial.load)
        found.setdefault(place, {}).setdefault(trial.contender, {})[trial.round] = trial
    comparisons = []
    for cell in run.header.cells:
        trials = found.get((cell.database, cell.scenario, cell.load.name), {})
        problems = {name: problem for name in cell.contenders if (problem := _problem(run, cell, name, bool(trials.get(name))))}
        if trials or problems:
            comparisons.append(_compare(run, cell, trials, problems))
    return comparisons


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


def _problem(run: Run, cell: Cell, contender: str, measured: bool) -> str | None:
    """Why it fails in this cell: what went wrong here, or, where it was not measured, before or under another load."""
    for failure in run.failures:
        if (failure.database, failure.scenario, failure.contender, failure.load) == (
            cell.database,
            cell.scenario,
            contender,
            cell.load.name,
        ):
            return failure.problem
    if measured:
        return None
    return run.problem(cell.database, cell.scenario, contender)


def _compare(run: Run, cell: Cell, trials: Mapping[str, Rounds], problems: Mapping[str, str]) -> Comparison:
    judged = quantities(cell.load)
    sound = {name: found for name, found in trials.items() if name not in problems}
    baseline, control = sound.get(run.header.baseline, {}), sound.get(run.header.control, {})
    floor = {quantity: estimate for quantity in judged if (estimate := _estimate(control, baseline, quantity))}
    rows = tuple(
        Row(
            name,
            problems.get(name),
            _measured(sound.get(name, {}), baseline, floor, judged),
            tuple(trial for _, trial in sorted(trials.get(name, {}).items())),
        )
        for name in cell.contenders
        if name != run.header.control
    )
    scatter = {
        quantity: stats.scatter(*pairs) for quantity in judged if len((pairs := _pairs(control, baseline, quantity))[0]) > 1
    }
    flags = tuple(_flags(cell, trials, judged))
    logs = {
        name: {quantity: _logs(sound.get(name, {}), baseline, quantity) for quantity in judged}
        for name in cell.contenders
        if name != run.header.baseline
    }
    name = run.header.baseline
    return Comparison(cell.database, cell.scenario, cell.load, len(baseline), name, rows, floor, scatter, flags, logs)


def _measured(
    trials: Rounds, baseline: Rounds, floor: Mapping[Quantity, Estimate], judged: Iterable[Quantity]
) -> dict[Quantity, Measured]:
    measured: dict[Quantity, Measured] = {}
    for quantity in judged:
        if values := _values(trials, quantity):
            estimate = None if trials is baseline else _estimate(trials, baseline, quantity)
            verdict = None
            if estimate:
                lower = quantity != "throughput"
                verdict = stats.verdict(estimate, floor.get(quantity), lower_is_better=lower)
            measured[quantity] = Measured(tuple(values.values()), estimate, verdict)
    return measured


def _values(trials: Rounds, quantity: Quantity) -> dict[int, float]:
    """The quantity by round, where it was measured: a trial without a right answer has none."""
    values = {number: VALUES[quantity](trial) for number, trial in sorted(trials.items()) if trial.count}
    return {number: value for number, value in values.items() if value > 0}


def _pairs(trials: Rounds, baseline: Rounds, quantity: Quantity) -> tuple[list[float], list[float]]:
    """The values of the rounds in which both were measured."""
    ours, theirs = _values(trials, quantity), _values(baseline, quantity)
    numbers = [number for number in ours if number in theirs]
    return [ours[number] for number in numbers], [theirs[number] for number in numbers]


def _logs(trials: Rounds, baseline: Rounds, quantity: Quantity) -> tuple[float, ...]:
    ours, theirs = _pairs(trials, baseline, quantity)
    return tuple(stats.log_ratios(ours, theirs).tolist()) if ours else ()


@dataclass(frozen=True)
class Pooled:
    """A contender over several scenarios taken together, each of equal weight; `floor` is the control's estimate."""

    scenarios: tuple[str, ...]
    estimate: Estimate
    floor: Estimate | None
    verdict: Verdict


def pooled(comparisons: Sequence[Comparison], contender: str, control: str, quantity: Quantity) -> Pooled | None:
    """Over those in which the contender did not fail, in two rounds or more, and in as many the control, if there is any.

    None where there are none.
    """
    chosen = [one for one in comparisons if one.verdict(contender, quantity) and len(one.logs[contender][quantity]) > 1]
    controls = [one.logs.get(control, {}).get(quantity, ()) for one in chosen]
    if controlled := any(controls):
        chosen = [one for one, logs in zip(chosen, controls, strict=True) if len(logs) > 1]
    if not chosen:
        return None
    estimate = stats.pooled_interval([one.logs[contender][quantity] for one in chosen])
    floor = stats.pooled_interval([one.logs[control][quantity] for one in chosen]) if controlled else None
    verdict = stats.verdict(estimate, floor, lower_is_better=quantity != "throughput")
    return Pooled(tuple(one.scenario for one in chosen), estimate, floor, verdict)


def _estimate(trials: Rounds, baseline: Rounds, quantity: Quantity) -> Estimate | None:
    ours, theirs = _pairs(trials, baseline, quantity)
    return stats.ratio_interval(ours, theirs) if ours else None


def _flags(cell: Cell, trials: Mapping[str, Rounds], judged: Sequence[Quantity]) -> Iterable[str]:
    for name in cell.contenders:
        for quantity in judged:
            values = list(_values(trials.get(name, {}), quantity).values())
            for flag in stats.instabilities(values) if values else ():
                yield f"{name}, {quantity}: {flag}"
