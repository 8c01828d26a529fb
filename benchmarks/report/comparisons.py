"""What the report shows of a run under load: cells with a row for each contender, and situations of several. Pure."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmarks.analysis import cells, validity
from benchmarks.analysis.cells import CellResult, Name, enough, lower_is_better, percentile, quantities, results
from benchmarks.analysis.estimate import Estimate
from benchmarks.analysis.verdict import Finding, judge
from benchmarks.load import Histogram
from benchmarks.raw.load import Load, LoadRun, LoadTrial

DATABASES = {"postgresql": "PostgreSQL", "sqlite": "SQLite", "none": "no database"}
FULL = 0.95
"""Share of a core from which it is full: requests a second are then the reciprocal of CPU time, and no finding of their own."""
VALUES: dict[Name, Callable[[LoadTrial], float]] = {
    "cpu": lambda trial: trial.cpu_per_request,
    "throughput": lambda trial: trial.throughput,
    "p50": lambda trial: percentile(trial, 50),
    "p99": lambda trial: percentile(trial, 99),
}
"""Seconds of the server's CPU time per request, requests a second, seconds; 0 where there is none."""


@dataclass(frozen=True)
class Row:
    """A contender in a cell, its trials in the order of the rounds; `values` and `findings` by quantity."""

    contender: str
    problem: str | None
    values: Mapping[Name, tuple[float, ...]]
    findings: Mapping[Name, Finding]
    trials: tuple[LoadTrial, ...]

    def finding(self, quantity: Name) -> Finding:
        """What was found of the quantity."""
        return self.findings.get(quantity, Finding(problem=self.problem))

    @property
    def database_cpu(self) -> list[float]:
        """Seconds of the database's CPU time a request, by round; none where it is not known."""
        return [one.database_cpu / one.count for one in self.trials if one.database_cpu is not None and one.count]

    @property
    def busy(self) -> list[float]:
        """Cores that the server used, by round."""
        return [one.server_cpu / one.seconds for one in self.trials if one.count]

    @property
    def beside(self) -> float:
        """Cores that database and generator used together, in the median round; 0 where it is not known."""
        used = [one.database_cpu / one.seconds + one.generator_cpu for one in self.trials if one.database_cpu is not None]
        return statistics.median(used) if used else 0.0

    @property
    def memory(self) -> list[float]:
        """Bytes at the end of the load, by round."""
        return [float(one.server_memory) for one in self.trials]

    @property
    def threads(self) -> int:
        """The most that were seen."""
        return max((one.server_threads for one in self.trials), default=0)

    @property
    def connections(self) -> int | None:
        """To the databases: the most that were seen; None where they are not counted."""
        return max((one.database_connections for one in self.trials if one.database_connections is not None), default=None)

    def percentile(self, percent: float) -> list[float]:
        """Seconds, of each round; of all rounds together where one is too short for it, none where they are, too."""
        rounds = [trial.overall for trial in self.trials if trial.count]
        if rounds and all(enough(one, percent) for one in rounds):
            return [one.percentile(percent) for one in rounds]
        together = Histogram.merged(rounds)
        return [together.percentile(percent)] if together.count and enough(together, percent) else []


@dataclass(frozen=True)
class Comparison:
    """A cell with its rows, all contenders but the control, whose ratio to the baseline is `control`."""

    result: CellResult
    title: str
    delay: float | None
    rows: tuple[Row, ...]
    control: Mapping[Name, Estimate]

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
    def where(self) -> str:
        """Scenario, database and load in words."""
        load = f"{self.load.connections} conn." if self.load.percent is None else f"{self.load.percent} %"
        return f"{self.scenario}, {DATABASES[self.database]}, {load}"

    @property
    def short(self) -> str:
        """Scenario and connections."""
        return f"{self.scenario}, {self.load.connections}:"

    @property
    def rounds(self) -> int:
        """In which the baseline was measured."""
        return len(self.result.sound(self.baseline))

    @property
    def rate(self) -> float | None:
        """Requests a second of an open loop."""
        return next((trial.rate for row in self.rows for trial in row.trials if trial.rate), None)

    @cached_property
    def crowded(self) -> bool:
        """Whether the core that database and generator share was full for somebody: it is they who limit requests a second."""
        return any(row.beside > validity.SHARED for row in self.rows)

    def row(self, contender: str) -> Row | None:
        """The contender's row; None where it took no part."""
        return next((row for row in self.rows if row.contender == contender), None)

    def finding(self, contender: str, quantity: Name) -> Finding:
        """What was found of the contender; nothing for the baseline, and where there is nothing to judge."""
        row = self.row(contender)
        return row.finding(quantity) if row else Finding()

    def is_reciprocal(self, contender: str) -> bool:
        """Whether its core and the baseline's were full, so that requests a second say what CPU time says."""
        rows = (self.row(name) for name in (contender, self.baseline))
        return all(row is not None and row.busy and statistics.median(row.busy) >= FULL for row in rows)

    def against(self, contender: str, other: str, quantity: Name) -> Finding:
        """The contender compared with another one than the baseline."""
        problem = next((str(self.result.problems[name]) for name in (contender, other) if name in self.result.problems), None)
        present = {contender, other} <= {*self.result.cell.contenders}
        estimate = self.result.estimate(contender, quantity, [other]) if present and not problem else None
        return _finding(estimate, quantity, problem)


def comparisons(run: LoadRun) -> tuple[Comparison, ...]:
    """Every cell of the run in which anything is known of a contender, in the run's order."""
    return tuple(_comparison(run, result) for result in results(run))


def deciding(found: Sequence[Comparison]) -> list[Comparison]:
    """Of each scenario on each database the closed loop that compares most contenders; among equals that of most connections."""
    chosen: dict[tuple[str, str], Comparison] = {}
    for one in found:
        place = (one.database, one.scenario)
        if one.load.percent is None and (place not in chosen or _rank(one) > _rank(chosen[place])):
            chosen[place] = one
    return list(chosen.values())


def pooled(found: Sequence[Comparison], contender: str, quantity: Name) -> Finding:
    """Over all of these together, each of equal weight: nothing where one of them lacks it, or has it in a single round."""
    rows = [one.finding(contender, quantity) for one in found]
    if problem := next((row.problem for row in rows if row.problem), None):
        return Finding(problem=problem)
    if not rows or any(row.estimate is None or row.estimate.restarts < 2 for row in rows):
        return Finding()
    return _finding(cells.pooled([one.result for one in found], contender, quantity), quantity)


def _rank(comparison: Comparison) -> tuple[int, int]:
    return (len(comparison.rows), comparison.load.connections)


def _comparison(run: LoadRun, result: CellResult) -> Comparison:
    names = [name for name in result.cell.contenders if name != result.control]
    control = {
        quantity: found for quantity in quantities(result.cell.load) if (found := result.estimate(result.control, quantity))
    }
    facts = run.header.scenarios.get(result.cell.scenario, {})
    rows = tuple(_row(result, name) for name in names)
    return Comparison(result, facts.get("title", result.cell.scenario), facts.get("delay"), rows, control)


def _row(result: CellResult, name: str) -> Row:
    trials = tuple(trial for _, trial in sorted(result.trials.get(name, {}).items()))
    problem = str(found) if (found := result.problems.get(name)) else None
    values, findings = dict[Name, tuple[float, ...]](), dict[Name, Finding]()
    for quantity in () if problem else quantities(result.cell.load):
        if measured := tuple(value for one in trials if one.count and (value := VALUES[quantity](one)) > 0):
            values[quantity] = measured
            findings[quantity] = _finding(result.estimate(name, quantity), quantity)
    return Row(name, problem, values, findings, trials)


def _finding(estimate: Estimate | None, quantity: Name, problem: str | None = None) -> Finding:
    if estimate is None:
        return Finding(problem=problem)
    return Finding(estimate, judge(estimate, lower_is_better=lower_is_better(quantity)))
