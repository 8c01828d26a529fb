"""The overview report: independent queries, several at once."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.models import ACTIVITY_BIND, DEFAULT_BIND
from catalog.reports import OVERVIEW, Report, in_order

SESSIONS = (DEFAULT_BIND, DEFAULT_BIND, DEFAULT_BIND, ACTIVITY_BIND)
"""One request uses so many sessions at once, each with a connection to this bind."""


async def overview(new_session: Callable[..., AsyncSession]) -> dict[str, Any]:
    """Return the report. A session takes the next query of its bind when it has done with one."""
    waiting = {bind: iter([report for report in OVERVIEW if report.bind == bind]) for bind in SESSIONS}
    parts: dict[str, Any] = {}
    try:
        async with asyncio.TaskGroup() as group:
            for bind in SESSIONS:
                group.create_task(_run(new_session(bind, read_only=True), waiting[bind], parts))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None  # the others were cancelled for it
    return in_order(parts)


async def _run(opened: AsyncSession, reports: Iterator[Report], parts: dict[str, Any]) -> None:
    async with opened as session:
        for report in reports:
            parts.update(report.read((await session.execute(report.statement)).all()))
