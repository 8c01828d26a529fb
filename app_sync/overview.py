"""The overview report: independent queries, one after the other. Written by hand."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from catalog.models import ACTIVITY_BIND, DEFAULT_BIND
from catalog.reports import OVERVIEW, in_order


def overview(new_session: Callable[..., Session]) -> dict[str, Any]:
    """Return the report."""
    parts: dict[str, Any] = {}
    for bind in (DEFAULT_BIND, ACTIVITY_BIND):
        with new_session(bind, read_only=True) as session:
            for report in OVERVIEW:
                if report.bind == bind:
                    parts.update(report.read(session.execute(report.statement).all()))
    return in_order(parts)
