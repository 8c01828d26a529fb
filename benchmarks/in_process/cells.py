"""What is measured in process, whose entry in `benchmarks.subjects` says so: the cells of `micro` and of `instructions`."""

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.machinery.databases import KINDS, Kind
from benchmarks.raw import NO_DATABASE
from benchmarks.subjects.contenders import BASELINE, CONTENDERS, CONTROL
from benchmarks.subjects.portals import PORTALS
from benchmarks.subjects.scenarios import SCENARIOS

PORTAL = "portal"
"""As a scenario, the ways to call a coroutine, which are its contenders."""
CALLS = 200
"""At a time."""


class MicroCell(NamedTuple):
    """A contender in a scenario on a database ("none" where it needs none)."""

    database: str
    scenario: str
    contender: str

    @property
    def kind(self) -> Kind:
        """The databases under the contender's app; one that needs none has SQLite's."""
        return "postgresql" if self.database == "postgresql" else "sqlite"

    def __str__(self) -> str:
        return "-".join([*([] if self.database == NO_DATABASE else [self.database]), self.scenario, self.contender])


def scenarios() -> list[str]:
    """Those that are run in process."""
    return [name for name, one in SCENARIOS.items() if one.in_process]


def contenders() -> list[str]:
    """Those that are opened in process."""
    return [name for name, one in CONTENDERS.items() if one.interface and one.lacking is None]


def plan(
    databases: Sequence[str] = KINDS, asked: Sequence[str] = (), named: Sequence[str] = (), *, control: bool = False
) -> list[MicroCell]:
    """All cells, those without a database first, peers side by side; empty `asked` (scenarios) or `named` (contenders) for all.

    The baseline is always among them, and its `control` where there is to be one.
    """
    cells = [
        MicroCell(database, scenario, contender)
        for database in (NO_DATABASE, *databases)
        for scenario in scenarios()
        if (scenario in asked or not asked) and SCENARIOS[scenario].database == (database != NO_DATABASE)
        if database in (NO_DATABASE, *SCENARIOS[scenario].databases)
        for contender in contenders()
        if (contender in (*named, BASELINE, CONTROL) or not named) and CONTENDERS[contender].asked([scenario])
    ]
    return [one for one in cells if one.kind in CONTENDERS[one.contender].databases and (control or one.contender != CONTROL)]


def portals() -> list[MicroCell]:
    """The cells of the ways to call a coroutine."""
    return [MicroCell(NO_DATABASE, PORTAL, name) for name in PORTALS]
