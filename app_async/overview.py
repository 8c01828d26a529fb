"""The overview report: independent queries, several at once."""

import asyncio
from collections.abc import Iterator
from typing import Any

from catalog.models import ACTIVITY_BIND, DEFAULT_BIND
from catalog.reports import OVERVIEW, Report, in_order

from .config import alchemy

SESSIONS = (DEFAULT_BIND, DEFAULT_BIND, DEFAULT_BIND, ACTIVITY_BIND)
"""One request uses so many sessions at once, each with a connection to this bind."""


async def overview() -> dict[str, Any]:
    """Return the report. A session takes the next query of its bind when it has done with one."""
    waiting = {bind: iter([report for report in OVERVIEW if report.bind == bind]) for bind in SESSIONS}
    parts: dict[str, Any] = {}
    try:
        async with asyncio.TaskGroup() as group:
            for bind in SESSIONS:
                group.create_task(_run(bind, waiting[bind], parts))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None  # the others were cancelled for it
    return in_order(parts)


async def _run(bind: str, reports: Iterator[Report], parts: dict[str, Any]) -> None:
    async with alchemy().new_session(bind, read_only=True) as session:
        for report in reports:
            parts.update(report.read((await session.execute(report.statement)).all()))
