"""The overview report: many independent queries at once, each on a session of its own."""

import asyncio
from typing import Any

from catalog.reports import OVERVIEW, Report

from .config import alchemy

CONCURRENT_QUERIES = 4


async def overview() -> dict[str, Any]:
    """Return the result of each query by its name. One request uses at most `CONCURRENT_QUERIES` connections."""
    limit = asyncio.Semaphore(CONCURRENT_QUERIES)

    async def run(report: Report) -> Any:
        async with limit, alchemy().new_session(report.bind, read_only=True) as session:
            return report.read((await session.execute(report.statement)).mappings().all())

    try:
        async with asyncio.TaskGroup() as group:
            tasks = {report.name: group.create_task(run(report)) for report in OVERVIEW}
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None  # the others were cancelled for it
    return {name: task.result() for name, task in tasks.items()}
