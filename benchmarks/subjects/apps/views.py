"""The views of all async apps that are no part of the catalogue."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import func, select

from app_async.config import alchemy


async def noop() -> str:
    """Do nothing."""
    return ""


async def slow() -> dict[str, Any]:
    """Wait in the database for `ms` milliseconds (PostgreSQL)."""
    milliseconds = request.args.get("ms", 0, type=int)
    await alchemy().get_session(read_only=True).execute(select(func.pg_sleep(milliseconds / 1000)))
    return {"waited": milliseconds}


VIEWS = (noop, slow)
