"""The overview report: many independent queries, one after the other. Written by hand."""

from typing import Any

from catalog.reports import OVERVIEW

from .config import alchemy


def overview() -> dict[str, Any]:
    """Return the result of each query by its name."""
    results = {}
    for report in OVERVIEW:
        with alchemy().new_session(report.bind, read_only=True) as session:
            results[report.name] = report.read(session.execute(report.statement).mappings().all())
    return results
