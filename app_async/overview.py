"""The overview report: independent queries, several at once while few ask for it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.models import ACTIVITY_BIND, DEFAULT_BIND
from catalog.reports import OVERVIEW, Report, in_order

SESSIONS = (DEFAULT_BIND, DEFAULT_BIND, DEFAULT_BIND, ACTIVITY_BIND)
"""One request uses so many sessions at once, each with a connection to this bind."""
FEW = 2
"""Reports. Queries at once give two clients 1.4 times the answers, on two cores. With eight no database is idle that one could
wait for meanwhile, and they take a quarter more of the app's time."""
QUIET_SECONDS = 2.0
"""So long no more than that must have been made at a time: those that begin a burst are many, too."""


class _Demand:
    """How many reports are being made, and until when they count as many."""

    def __init__(self) -> None:
        self.made = 0
        self.many_until = 0.0

    @contextmanager
    def one_more(self) -> Iterator[bool]:
        """While one is made; whether few are."""
        self.made += 1
        if self.made > FEW:
            self.many_until = monotonic() + QUIET_SECONDS
        try:
            yield monotonic() >= self.many_until
        finally:
            self.made -= 1


_demand = _Demand()


async def overview(new_session: Callable[..., AsyncSession]) -> dict[str, Any]:
    """Return the report; its queries run at once where few ask for it, else in turn, as the sync app's always do."""
    with _demand.one_more() as few:
        return in_order(await (_at_once(new_session) if few else _in_turn(new_session)))


async def _at_once(new_session: Callable[..., AsyncSession]) -> dict[str, Any]:
    """A session takes the next query of its bind when it has done with one."""
    parts: dict[str, Any] = {}
    waiting = {bind: _of(bind) for bind in SESSIONS}
    try:
        async with asyncio.TaskGroup() as group:
            for bind in SESSIONS:
                group.create_task(_run(new_session(bind, read_only=True), waiting[bind], parts))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None  # the others were cancelled for it
    return parts


async def _in_turn(new_session: Callable[..., AsyncSession]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for bind in dict.fromkeys(SESSIONS):
        await _run(new_session(bind, read_only=True), _of(bind), parts)
    return parts


def _of(bind: str) -> Iterator[Report]:
    return iter([report for report in OVERVIEW if report.bind == bind])


async def _run(opened: AsyncSession, reports: Iterator[Report], parts: dict[str, Any]) -> None:
    async with opened as session:
        for report in reports:
            parts.update(report.read((await session.execute(report.statement)).all()))
