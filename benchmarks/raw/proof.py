"""Raw files of the proof: what simulated runs say of intervals and verdicts."""

from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.raw import read_run


@dataclass(frozen=True)
class ProofHeader:
    """Which recorded run was simulated, by when it `started` and its profile, and how often."""

    command: str
    started: str
    profile: str
    runs: int
    kind: str = "proof"
    schema: int = 1


@dataclass(frozen=True)
class ProofRow:
    """Of a quantity in a cell, by so many simulated `servers` in so many `restarts`, which are the most where the run `stops` as
    soon as the interval is narrow enough; `slices` are the contender's in a run, in the mean. The others are shares of the runs.

    `coverage`: intervals that contain the true ratio; `false`: wrong verdicts, at the worst of no effect and of one of 10 % to
    either side; `same`: so called where nothing differs; `found`: better or worse, rightly, where 10 % were put in. `half_width`
    is the median of the interval's, on the log scale: 0.025 is +-2.5 %.
    """

    database: str
    scenario: str
    load: str
    quantity: str
    servers: int
    restarts: int
    stops: bool
    slices: float
    coverage: float
    false: float
    same: float
    found: float
    half_width: float


@dataclass(frozen=True)
class Proof:
    """A raw file that was read."""

    header: ProofHeader
    rows: list[ProofRow] = field(default_factory=list)


def read(path: Path) -> Proof:
    """Read a raw file. Raises `ResultsError`."""
    return read_run(path, Proof)
