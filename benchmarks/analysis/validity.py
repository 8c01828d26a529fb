"""What makes a trial of the load benchmark doubtful, by limits fixed before any measurement. Pure; a flag removes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.raw.load import LoadTrial

TOLERATED = 0.001
"""Share of wrong answers beyond which a contender has failed; none of them is counted or timed."""
STEAL = 0.05
"""Share of all cores' time that the host withheld."""
GENERATOR_CPU = 0.80
"""Share of a core: a generator busier than this may be what limits the throughput."""
LATENESS_P99 = 0.005
"""Seconds by which the generator itself may start one in a hundred requests of an open loop too late."""
LATENESS_SHARE = 0.10
"""Its median lateness over the median latency: more than this and the latency is partly its own."""
SERVER_CPU = 0.95
"""Share of a core: where the server of an open loop uses more, requests may come faster than they can be answered."""
SHARED = 0.9
"""Cores in use by database and generator together, where they share one: beyond it, it is they who limit the throughput."""
REQUESTS = 100
"""Fewer right answers than this say little of their percentiles, and nothing of the p99."""

LIMITS = {
    "steal": f"steal time is more than {STEAL:.0%} of the cores'",
    "generator busy": f"the load generator used more than {GENERATOR_CPU:.0%} of a core",
    "generator late": (
        f"in an open loop the generator started 1 in 100 requests more than {1000 * LATENESS_P99:g} ms late,"
        f" or its median lateness was more than {LATENESS_SHARE:.0%} of the median latency"
    ),
    "overloaded": f"in an open loop the server used more than {SERVER_CPU:.0%} of a core: its queue may have grown to the end",
    "few requests": f"fewer than {REQUESTS} right answers",
    "errors": "a request was answered wrong or not at all",
    "lost writes": "the database holds fewer or more writes than were acknowledged",
}
"""Every kind of flag with its limit in words."""


@dataclass(frozen=True)
class Flag:
    """A doubt about a trial: its `kind`, out of `LIMITS`, and the `value` that is beyond the limit.

    That is a share; seconds by which one request in a hundred was late; a number of answers; how many writes are missing.
    """

    kind: str
    value: float


def flags(trial: LoadTrial) -> list[Flag]:
    """What is doubtful about the trial, in the order of `LIMITS`."""
    busy, lost = trial.server_cpu / trial.seconds, (trial.acknowledged or 0) - (trial.stored or 0)
    late = trial.lateness.percentile(99) if trial.lateness.count else 0.0
    found: dict[str, tuple[float, bool]] = {
        "steal": (trial.steal, trial.steal > STEAL),
        "generator busy": (trial.generator_cpu, trial.generator_cpu > GENERATOR_CPU),
        "generator late": (late, late > LATENESS_P99 or _falsified(trial)),
        "overloaded": (busy, trial.rate is not None and busy > SERVER_CPU),
        "few requests": (trial.count, trial.count < REQUESTS),
        "errors": (wrong := sum(trial.errors.values()), wrong > 0),
        "lost writes": (lost, lost != 0),
    }
    return [Flag(kind, value) for kind, (value, doubtful) in found.items() if doubtful]


def _falsified(trial: LoadTrial) -> bool:
    """Whether the latency is partly the generator's own."""
    if not trial.lateness.count or not trial.count:
        return False
    return trial.lateness.percentile(50) > LATENESS_SHARE * trial.overall.percentile(50)
