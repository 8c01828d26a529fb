"""Taking notes during a run, at as little cost as can be."""

from array import array
from collections import Counter
from collections.abc import Iterable

from benchmarks.load.connection import Job
from benchmarks.load.histogram import Histogram
from benchmarks.load.outcome import FailureKind, LoadOutcome


class LatencyRecorder:
    """Checks answers and counts everything; times what was to start at `began` (time.monotonic()) or later, apart from the rest.

    `latest` is when the last right answer to any of that was complete.
    """

    def __init__(self, kinds: Iterable[str]) -> None:
        self.began = self.latest = 0.0
        self.latency = {kind: array("d") for kind in kinds}
        self.early, self.lateness = array("d"), array("d")
        self.answers, self.failures, self.errors = Counter[str](), Counter[str](), Counter[str]()
        self.examples: dict[str, str] = {}

    def late(self, intended: float, now: float) -> None:
        """The generator took note `now` of a start intended for then."""
        if intended >= self.began:
            self.lateness.append(now - intended)

    def answered(self, job: Job, status: int, body: bytes, now: float) -> None:
        """An answer was complete `now`."""
        if status != job.request.status:
            self.failed(job, FailureKind.STATUS, f"{status}, not {job.request.status}: {body[:200]!r}")
        elif wrong := job.request.wrong(body):
            self.failed(job, FailureKind.CHECK, wrong)
        else:
            self.answers[job.kind] += 1
            if job.intended >= self.began:
                self.latency[job.kind].append(now - job.intended)
                self.latest = now
            else:
                self.early.append(now - job.intended)

    def failed(self, job: Job, failure: FailureKind, detail: str) -> None:
        """There is no right answer to be had."""
        self.failures[failure.value] += 1
        self.examples.setdefault(failure.value, f"{job.kind}: {detail}")
        if job.intended >= self.began:
            self.errors[failure.value] += 1

    def outcome(self, *, seconds: float, wall: float, cpu: float, loop: str) -> LoadOutcome:
        """The sum of it."""
        return LoadOutcome(
            latency={kind: Histogram.of(times) for kind, times in self.latency.items()},
            errors=dict(self.errors),
            examples=self.examples,
            answered=dict(self.answers),
            failed=dict(self.failures),
            early=Histogram.of(self.early),
            lateness=Histogram.of(self.lateness),
            seconds=seconds,
            began=self.began,
            wall=wall,
            cpu=cpu,
            loop=loop,
        )
