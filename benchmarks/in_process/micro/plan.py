"""What a run of many passes measures."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from benchmarks.in_process.cells import CALLS, PORTAL, MicroCell, plan, portals
from benchmarks.raw.micro import Group
from benchmarks.subjects.contenders import BASELINE, CONTROL
from benchmarks.subjects.portals import BASELINE as FIRST_PORTAL
from benchmarks.subjects.portals import CONTROL as FIRST_PORTAL_AGAIN
from benchmarks.subjects.scenarios import SCENARIOS

PREPARING_SECONDS = 40
OVERHEAD = 1.3
"""A trial's time over its nominal one: what is prepared before it, and undone after it."""


@dataclass(frozen=True)
class Plan:
    """What to run; `scenarios` and `contenders` empty for all, `seconds` per trial, `command` as the raw file shall name it."""

    passes: int
    databases: Sequence[str]
    scenarios: Sequence[str]
    contenders: Sequence[str]
    seed: int
    seconds: float
    output: Path
    command: str

    @property
    def cells(self) -> list[MicroCell]:
        """The trials of a pass, peers side by side."""
        calls = portals() if not self.contenders and (PORTAL in self.scenarios or not self.scenarios) else []
        asked = [name for name in self.scenarios if name != PORTAL]
        return [*calls, *(plan(self.databases, asked, self.contenders, control=True) if asked or not self.scenarios else [])]

    @property
    def groups(self) -> tuple[Group, ...]:
        """Who is compared with whom."""
        return tuple(
            _group(database, scenario, tuple(cell.contender for cell in cells))
            for (database, scenario), cells in groupby(self.cells, lambda cell: cell[:2])
        )

    @property
    def duration(self) -> float:
        """About how many seconds it takes."""
        return PREPARING_SECONDS + self.passes * len(self.cells) * self.seconds * OVERHEAD


def _group(database: str, scenario: str, names: tuple[str, ...]) -> Group:
    if scenario == PORTAL:
        title = "call of an empty coroutine from synchronous code"
        return Group(database, scenario, title, CALLS, "call", names, FIRST_PORTAL, FIRST_PORTAL_AGAIN)
    one = SCENARIOS[scenario]
    return Group(database, scenario, one.title, one.batch or 1, "request", names, BASELINE, CONTROL)
