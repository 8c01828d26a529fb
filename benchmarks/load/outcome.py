"""What came of a plan."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from benchmarks.load.histogram import Histogram


class FailureKind(StrEnum):
    """How a request can fail."""

    STATUS = "status"  # answered with another status
    CHECK = "check"  # answered with the right status and a wrong body
    PROTOCOL = "protocol"  # answered with something that is not HTTP, or with more than one answer
    RESET = "reset"  # the connection was closed or reset before the answer was complete
    TIMEOUT = "timeout"  # not connected, or not answered in full, within the time limit
    REFUSED = "refused"  # no connection to be had
    UNSENT = "unsent"  # open loop: still waiting for a free connection long after the end


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """What was measured, and what must add up.

    Measured are the requests that started, or should have started, between warm-up and end. Every request
    of the run was either answered right or failed: `answered` and `failed` have them all, warm-up included.
    """

    latency: dict[str, Histogram]  # of right answers, by kind of request: to the last byte, from the intended start
    errors: dict[str, int]  # of measured requests, by Failure
    examples: dict[str, str]  # the first failure of each sort in the whole run, in words
    answered: dict[str, int]  # right answers of the whole run, by kind of request
    failed: dict[str, int]  # failures of the whole run, by Failure
    early: Histogram  # latency of right answers to requests of the warm-up
    lateness: Histogram  # of the generator itself in an open loop: from an intended start to when it took note
    seconds: float  # for which was measured; of a closed loop to the last right answer, if that came after the end
    began: float  # when that was, on the clock time.monotonic()
    wall: float  # seconds that the whole run took
    cpu: float  # seconds of this process's CPU time in the whole run
    loop: str  # event loop used: uvloop or asyncio

    @property
    def count(self) -> int:
        """Right answers to measured requests."""
        return sum(histogram.count for histogram in self.latency.values())

    @property
    def throughput(self) -> float:
        """Right answers per second."""
        return self.count / self.seconds

    @property
    def overall(self) -> Histogram:
        """Latency of all kinds of request together."""
        return Histogram.merged(self.latency.values())

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            **{name: value for name, value in asdict(self).items() if name not in {"latency", "early", "lateness"}},
            "latency": {name: histogram.to_json() for name, histogram in self.latency.items()},
            "early": self.early.to_json(),
            "lateness": self.lateness.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The outcome that `to_json` wrote."""
        latency = {name: Histogram.from_json(histogram) for name, histogram in data["latency"].items()}
        early, lateness = (Histogram.from_json(data[name]) for name in ("early", "lateness"))
        return cls(**{**data, "latency": latency, "early": early, "lateness": lateness})
