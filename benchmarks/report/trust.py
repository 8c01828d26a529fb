"""Whether to believe a run under load: the controls, what disturbed it, and other eyes. Pure."""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.analysis import validity
from benchmarks.analysis.calibration import Calibration, false_verdicts
from benchmarks.analysis.cells import Name, calibrations
from benchmarks.analysis.estimate import Estimate, contrast
from benchmarks.raw.load import Crosscheck, LoadRun, LoadTrial
from benchmarks.report.comparisons import Comparison

Unit = Literal["percent", "ratio", "ms", "count"]


@dataclass(frozen=True)
class Disturbance:
    """What may have disturbed a run: the median and the most over trials or cells, and how many were beyond the limit."""

    label: str
    unit: Unit
    middle: float
    most: float
    limit: float | None = None
    beyond: int = 0
    of: int = 0


@dataclass(frozen=True)
class Checked:
    """Requests a second as the generator saw them over those that wrk saw; the medians of both."""

    crosscheck: Crosscheck
    ours: float
    wrk: float
    estimate: Estimate


@dataclass(frozen=True)
class Trust:
    """What speaks for and against a run. `acknowledged` and `stored` are writes that were answered, and found afterwards."""

    calibrations: Mapping[Name, Calibration]
    judged: int
    by_chance: float
    disturbances: tuple[Disturbance, ...]
    crowded: tuple[str, ...]
    errors: tuple[LoadTrial, ...]
    acknowledged: int
    stored: int
    crosschecks: tuple[Checked, ...]


def trust(run: LoadRun, found: Sequence[Comparison]) -> Trust:
    """Of a run and its cells."""
    judged = sum(finding.verdict is not None for one in found for row in one.rows for finding in row.findings.values())
    written = [trial for trial in run.trials if trial.acknowledged is not None]
    return Trust(
        calibrations([one.result for one in found]),
        judged,
        false_verdicts(judged),
        tuple(disturbances(run, found)),
        tuple(one.where for one in found if one.crowded),
        tuple(trial for trial in run.trials if any(trial.errors.values())),
        sum(trial.acknowledged or 0 for trial in written),
        sum(trial.stored or 0 for trial in written),
        tuple(_checked(one) for one in run.crosschecks if one.wrk),
    )


def disturbances(run: LoadRun, found: Sequence[Comparison]) -> Iterator[Disturbance]:
    """A line for each that the run tells anything of."""
    opened = [trial for trial in run.trials if trial.rate is not None and trial.lateness.count]
    lost = [float(abs(one.stored - (one.acknowledged or 0))) for one in run.trials if one.stored is not None]
    overall: list[tuple[str, Unit, list[float], float | None]] = [
        ("time that the host gave to others", "percent", [one.steal for one in run.trials], validity.STEAL),
        ("generator, share of a core", "percent", [one.generator_cpu for one in run.trials], validity.GENERATOR_CPU),
        (
            "open loop: lateness of the generator, p99",
            "ms",
            [1000 * one.lateness.percentile(99) for one in opened],
            1000 * validity.LATENESS_P99,
        ),
        ("open loop: server, share of a core", "percent", [one.server_cpu / one.seconds for one in opened], validity.SERVER_CPU),
        ("wrong or missing answers in a trial", "count", [float(sum(one.errors.values())) for one in run.trials], 0),
        ("writes lost or made up in a trial", "count", lost, 0),
        (
            "database and generator, cores used",
            "ratio",
            [max(row.beside for row in one.rows) for one in found if one.rows],
            validity.SHARED,
        ),
        ("baseline's CPU, costliest over cheapest round", "ratio", list(_drift(found)), None),
        ("closed loop: time in which it runs down", "percent", list(_rundown(run)), None),
    ]
    for label, unit, values, limit in overall:
        if values:
            beyond = sum(value > limit for value in values) if limit is not None else 0
            yield Disturbance(label, unit, statistics.median(values), max(values), limit, beyond, len(values))


def _drift(found: Iterable[Comparison]) -> Iterator[float]:
    """How the same work cost more in one round and less in another."""
    for one in found:
        row = one.row(one.baseline)
        if row and len(costs := row.values.get("cpu", ())) > 1:
            yield max(costs) / min(costs)


def _rundown(run: LoadRun) -> Iterator[float]:
    """Share of a trial's time in which nothing new was sent and the last answers were waited for."""
    seconds = {(one.database, one.scenario, one.load.name): one.seconds for one in run.header.cells if one.load.percent is None}
    for trial in run.trials:
        if planned := seconds.get((trial.database, trial.scenario, trial.load)):
            yield max(0.0, 1 - planned / trial.seconds)


def _checked(found: Crosscheck) -> Checked:
    pairs = [np.log([ours / wrk]) for ours, wrk in zip(found.generator, found.wrk, strict=True)]
    return Checked(found, statistics.median(found.generator), statistics.median(found.wrk), contrast([pairs]))
