"""Raw files of the hazards: what each side did, in the order it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.raw import read_run


@dataclass(frozen=True)
class HazardHeader:
    """What was run, on what; `hazards` are names in the order of the catalogue."""

    started: str
    command: str
    hazards: Sequence[str]
    environment: Mapping[str, Any]
    kind: str = "hazards"
    schema: int = 1


@dataclass(frozen=True)
class Side:
    """One hazard under one model (`documented`, `async-loop`, `async-native`) on one database.

    `facts` are its own words, `end`, `errors` and `seconds` what was seen from outside (see `benchmarks.hazards.hazard`).
    """

    hazard: str
    model: str
    database: str
    broken: bool
    outcome: str
    facts: Mapping[str, Any]
    end: str
    errors: Sequence[str]
    seconds: float


@dataclass
class HazardRun:
    """A raw file that was read."""

    header: HazardHeader
    sides: list[Side] = field(default_factory=list)

    def side(self, hazard: str, model: str) -> Side | None:
        """That side, if it was run."""
        return next((side for side in self.sides if (side.hazard, side.model) == (hazard, model)), None)


def read(path: Path) -> HazardRun:
    """Read a raw file. Raises `ResultsError`."""
    return read_run(path, HazardRun)
