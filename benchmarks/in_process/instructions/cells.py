"""Whose instructions are counted, in what. Adding a contender is one entry in `CONTENDERS`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.in_process.models import MODELS
from benchmarks.raw import NO_DATABASE
from benchmarks.subjects.scenarios import SCENARIOS

BASELINE = "sync"


@dataclass(frozen=True)
class Contender:
    """An execution model of `in_process.models`, with `driver` instead of its own on PostgreSQL, and then only there."""

    name: str
    about: str
    model: str
    driver: str | None = None

    def runs_on(self, database: str) -> bool:
        """Whether it differs there from the contenders without a driver of their own."""
        return self.driver is None or database == "postgresql"

    def config(self, urls: Mapping[str, str]) -> dict[str, str]:
        """The app's settings for databases at these URLs, which name no driver."""
        if self.driver is None:
            return dict(urls)
        return {setting: url.replace("postgresql:", f"postgresql+{self.driver}:", 1) for setting, url in urls.items()}


CONTENDERS: dict[str, Contender] = {
    contender.name: contender
    for contender in (
        *(Contender(name, MODELS[name].about, name) for name in (BASELINE, "documented", "loop", "native")),
        Contender("native-psycopg", "as native, with the driver that sync has", "native", "psycopg"),
    )
}
REQUESTS: dict[str, int] = {"noop": 60, "read": 12, "list": 4, "create": 8, "update": 8, "fan-out": 4}
"""The scenarios, and N of each: N and 3 N requests are counted. Lists need all four of their words in turn."""
WARM_UP = 64
"""At least so many requests before that, and no fewer than are counted: caches fill, bytecodes are specialised."""


def plan(databases: Sequence[str], scenarios: Sequence[str], contenders: Sequence[str]) -> tuple[tuple[str, str, str], ...]:
    """(database, scenario, contender) of all cells, peers side by side; empty `scenarios` or `contenders` for all.

    The baseline is always among them.
    """
    return tuple(
        (database, scenario, name)
        for database in (NO_DATABASE, *databases)
        for scenario in REQUESTS
        if (scenario in scenarios or not scenarios) and SCENARIOS[scenario].database == (database != NO_DATABASE)
        for name, contender in CONTENDERS.items()
        if (name in (*contenders, BASELINE) or not contenders) and contender.runs_on(database)
    )
