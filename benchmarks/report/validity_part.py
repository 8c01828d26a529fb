"""What the report says of the validity of the load benchmark. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.analysis import estimate, validity
from benchmarks.analysis.calibration import Calibration, false_verdicts
from benchmarks.analysis.cells import calibrations
from benchmarks.analysis.estimate import Estimate, contrast
from benchmarks.raw.load import Ceiling, Crosscheck, Run, Trial
from benchmarks.report.load_pictures import where
from benchmarks.report.load_summary import Comparison, Quantity, deciding
from benchmarks.report.numbers import calibrated, interval, listed, percent, ratio, three
from benchmarks.report.tables import markdown, share

AGREEMENT = 1.1
"""By what factor wrk may see another capacity."""
TITLES: dict[Quantity, str] = {
    "cpu": "CPU time per request",
    "throughput": "requests a second",
    "p50": "the median latency",
    "p99": "the p99 latency",
}


def context(run: Run, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """What the template asks for."""
    judged = sum(measured.verdict is not None for one in comparisons for row in one.rows for measured in row.measured.values())
    return {
        "calibrated": [f"{TITLES[name]}: {calibrated(one)}" for name, one in _calibrations(comparisons).items()],
        "judged": f"{judged:,}",
        "by_chance": three(false_verdicts(judged)),
        "drift": _drift(run, comparisons),
        "rundown": _rundown(run, comparisons),
        "shared": _shared(run, comparisons),
        "shared_limit": validity.SHARED,
        "steal": _quantiles([trial.steal for trial in run.trials]),
        "generator": _quantiles([trial.generator_cpu for trial in run.trials]) + " of a core",
        "lateness": _lateness(run.trials),
        "writes": _writes(run.trials),
        "ceilings": [_ceiling(one) for one in run.ceilings],
        "crosschecks": _crosschecks(run.crosschecks),
        "crosschecked": _crosschecked(run.crosschecks, comparisons),
        "flags": _flags(run.trials),
    }


def _calibrations(comparisons: Sequence[Comparison]) -> dict[Quantity, Calibration]:
    """Of the controls, before any interval was widened."""
    return calibrations([one.result for one in comparisons])


def _drift(run: Run, comparisons: Sequence[Comparison]) -> str | None:
    """How the same work cost more in one round and less in another."""
    found = [
        max(costs.values) / min(costs.values)
        for one in comparisons
        if (row := one.row(one.baseline)) and (costs := row.measured.get("cpu")) and len(costs.values) > 1
    ]
    if not found:
        return None
    return (
        "the baseline's CPU time per request in its costliest round over that in its cheapest:"
        f" {ratio(statistics.median(found))} in the median comparison, {ratio(max(found))} in the worst. Contenders take turns"
        f" within a round, in {sum(cell.slices > 1 for cell in run.header.cells)} of {len(run.header.cells)} comparisons several"
        " times, so that ratios have less of it"
    )


def _rundown(run: Run, comparisons: Sequence[Comparison]) -> str | None:
    """How much of the time the load runs down, because no requests are sent any more and the last ones are waited for."""
    seconds = {(cell.database, cell.scenario, cell.load): cell.seconds for cell in run.header.cells}

    def rest(one: Comparison, trial: Trial) -> float:
        return max(0.0, 1 - seconds[one.database, one.scenario, one.load] / trial.seconds)

    found = {
        f"{where(one.scenario, one.database)}, {one.load.name}": statistics.median(
            rest(one, trial) for row in one.rows for trial in row.trials
        )
        for one in comparisons
        if one.load.percent is None and any(row.trials for row in one.rows)
    }
    if not found:
        return None
    worst = max(found, key=lambda name: found[name])
    alone = {
        f"`{row.contender}`, {where(one.scenario, one.database)}, {one.load.name}": statistics.median(
            rest(one, trial) for trial in row.trials
        )
        for one in deciding(comparisons)
        for row in one.rows
        if row.measured
    }
    said = (
        f"{percent(statistics.median(found.values()))} in the median comparison, {percent(found[worst])} in the worst ({worst})"
    )
    if not alone:
        return said
    most = max(alone, key=lambda name: alone[name])
    return f"{said}; of a single contender under the loads that decide {percent(alone[most])} at most ({most})"


def _shared(run: Run, comparisons: Sequence[Comparison]) -> list[str]:
    """Where the one core of database and generator is so busy that it limits the throughput."""
    core = run.header.placement.get("database", "")
    if not core.startswith("core ") or core != run.header.placement.get("generator"):
        return []
    return [
        f"{where(one.scenario, one.database)}, {one.load.name} ({', '.join(busy)})"
        for one in comparisons
        if (busy := [f"`{row.contender}` {share:.2f}" for row in one.rows if (share := _beside(row.trials)) > validity.SHARED])
    ]


def _beside(trials: Sequence[Trial]) -> float:
    """Cores that database and generator used; the median over rounds."""
    used = [one.database_cpu / one.seconds + one.generator_cpu for one in trials if one.database_cpu is not None and one.count]
    return statistics.median(used) if used else 0.0


def _quantiles(values: Sequence[float]) -> str:
    if not values:
        return "not known"
    return f"median {percent(statistics.median(values))}, most {percent(max(values))}"


def _lateness(trials: Sequence[Trial]) -> str | None:
    opened = [trial.lateness for trial in trials if trial.lateness.count]
    if not opened:
        return None
    middle, worst = statistics.median(one.percentile(99) for one in opened), max(one.percentile(99) for one in opened)
    return f"its p99 has a median over trials of {three(1000 * middle)} ms, and is {three(1000 * worst)} ms at most"


def _writes(trials: Sequence[Trial]) -> str | None:
    written = [trial for trial in trials if trial.acknowledged is not None]
    if not written:
        return None
    right = sum(trial.acknowledged == trial.stored for trial in written)
    total = sum(trial.acknowledged or 0 for trial in written)
    return f"what was acknowledged is what the database holds in {share(right, len(written))} trials; {total:,} were acknowledged"


def _ceiling(one: Ceiling) -> str:
    """What the generator did with a server that does nothing, and what it could do where that server was the limit."""
    busy = one.throughput * one.cpu_per_request
    asked = f"Ceiling of the generator ({one.loop}, {one.connections} connections, a server that does nothing):"
    did, each = f"{three(one.throughput)} requests a second", f"{1e6 * one.cpu_per_request:.1f} µs"
    if busy > validity.GENERATOR_CPU:
        return f"{asked} {did}, {each} of its CPU time for each, {percent(busy, 0)} of its core"
    return (
        f"{asked} at least {did}. That server's core was the limit: the generator used {percent(busy, 0)} of its own. By its CPU"
        f" time, {each} for each, it could do about {round(1 / one.cpu_per_request, -3):,.0f}"
    )


def _crosschecked(found: Sequence[Crosscheck], comparisons: Sequence[Comparison]) -> str:
    """What is compared with wrk, of how many connections, what it is not, and how many single pairs differ."""
    loads = {(one.scenario, one.database): one.load.connections for one in deciding(comparisons)}
    ours = listed([str(count) for count in sorted({one.connections for one in found})])
    places = {(one.scenario, one.database) for one in found}
    theirs = listed([str(count) for count in sorted({count for place, count in loads.items() if place in places})])
    pairs = [mine / wrk for one in found for mine, wrk in zip(one.generator, one.wrk, strict=True)]
    apart = sum(not 1 / AGREEMENT <= pair <= AGREEMENT for pair in pairs)
    other = f", and not the capacity of section 1, which is measured with {theirs} connections in slices" if theirs else ""
    return (
        f"closed loops of {ours} connections, 1 s each, with one fixed request{other}. wrk does not count"
        " what is on its way at its end, a request on each connection; nor is it counted for the generator, by (answers -"
        f" connections) / seconds. {share(apart, len(pairs))} single pairs differ by more than {percent(AGREEMENT - 1, 0)}"
    )


def _crosschecks(found: Sequence[Crosscheck]) -> list[str]:
    lines = [_crosscheck(one) for one in found if one.wrk]
    paired = [one for one in found if len(one.wrk) > 1]
    if len(paired) > 1:
        pooled = contrast([_pairs(one) for one in paired])
        lines.append(f"All {len(paired)} together, generator over wrk: {interval(pooled)}: {_agreement(pooled)}")
    return lines


def _pairs(found: Crosscheck) -> estimate.Comparison:
    """A log-ratio for each pair."""
    return [np.log([ours / wrk]) for ours, wrk in zip(found.generator, found.wrk, strict=True)]


def _crosscheck(found: Crosscheck) -> str:
    ours, theirs = statistics.median(found.generator), statistics.median(found.wrk)
    paired = contrast([_pairs(found)])
    return (
        f"`{found.contender}`, {where(found.scenario, found.database)}, seen by the suite's generator and by wrk in turns on the"
        f" same server: {three(ours)} and {three(theirs)} requests a second (medians of {len(found.wrk)}), a ratio within pairs"
        f" of {interval(paired, 'pair')}: {_agreement(paired)}"
    )


def _agreement(paired: Estimate) -> str:
    close = percent(AGREEMENT - 1, 0)
    if paired.low >= 1 / AGREEMENT and paired.high <= AGREEMENT:
        return f"they agree within {close}"
    if paired.low > AGREEMENT or paired.high < 1 / AGREEMENT:
        return f"they differ by more than {close}"
    leaning = "the generator sees fewer; " if paired.high < 1 else "the generator sees more; " if paired.low > 1 else ""
    return f"{leaning}whether within {close} is undecided"


def _flags(trials: Sequence[Trial]) -> str:
    counts: Counter[str] = Counter()
    who: dict[str, Counter[str]] = {}
    for trial in trials:
        for flag in (one.kind for one in validity.flags(trial)):
            counts[flag] += 1
            who.setdefault(flag, Counter())[trial.contender] += 1
    rows = []
    for flag, limit in validity.LIMITS.items():
        most = ", ".join(f"`{name}` {count}" for name, count in who.get(flag, Counter()).most_common(3))
        rows.append([flag, limit.replace("%", " %"), share(counts[flag], len(trials)), most])
    return markdown(("flag", "limit", "trials", "most often"), rows)
