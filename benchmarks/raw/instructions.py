"""Raw files of exact costs: instructions per request, in process, counted by callgrind."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.raw import malformed, read_run


@dataclass(frozen=True)
class InstructionHeader:
    """What was counted, on what.

    `cells` are the planned (database, scenario, contender); `scenarios` and `contenders` say in words what they are;
    `method` says how instructions were counted and how they were attributed to layers.
    """

    started: str
    command: str
    repeats: int
    books: int
    cells: tuple[tuple[str, str, str], ...]
    baseline: str
    contenders: Mapping[str, str]
    scenarios: Mapping[str, str]
    databases: Mapping[str, Mapping[str, str]]
    settings: Mapping[str, Any]
    method: Mapping[str, str]
    environment: Mapping[str, Any]
    kind: str = "instructions"
    schema: int = 1


@dataclass(frozen=True)
class InstructionCell:
    """A contender in a scenario, finished. Where `problem` says why it could not be counted, the rest is empty.

    `counts` are instructions per request, one for each process that counted. `native` are those of the processes' mean by
    where their machine code lies: in a layer's own extension modules, or "interpreter" for all the rest. `bytecodes` are
    Python's instructions per request by layer. `cycles` are estimated ones per request, for each process as well; older files
    have none.
    """

    database: str
    scenario: str
    contender: str
    requests: int
    counts: Sequence[float]
    native: Mapping[str, float]
    bytecodes: Mapping[str, float]
    problem: str | None
    cycles: Sequence[float] = ()

    @property
    def instructions(self) -> float:
        """Per request: the mean of the counts."""
        return statistics.fmean(self.counts)


@dataclass
class InstructionRun:
    """A raw file that was read."""

    header: InstructionHeader
    cells: list[InstructionCell] = field(default_factory=list)


def read(path: Path) -> InstructionRun:
    """Read a raw file. Raises `ResultsError`."""
    run = read_run(path, InstructionRun)
    if not all(cell.problem or cell.counts for cell in run.cells):
        raise malformed(path)
    return run
