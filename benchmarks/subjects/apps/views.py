"""The views of all async apps that are no part of the catalogue."""

import asyncio
import time
from typing import TYPE_CHECKING, Any

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app_async.config import alchemy
from benchmarks.subjects.apps import UPSTREAM, number

if TYPE_CHECKING:
    import httpx

CLIENT = "benchmarks.client"


async def noop() -> str:
    """Do nothing."""
    return ""


async def slow() -> dict[str, Any]:
    """Wait in the database for `ms` milliseconds (PostgreSQL)."""
    milliseconds = number("ms")
    await _sleep(alchemy().get_session(read_only=True), milliseconds)
    return {"waited": milliseconds}


async def fan_out_slow() -> dict[str, Any]:
    """Wait in so many `queries` at once, on sessions of their own."""

    async def query(milliseconds: int) -> None:
        async with alchemy().new_session(read_only=True) as session:
            await _sleep(session, milliseconds)

    done = await asyncio.gather(*(query(number("ms")) for _ in range(number("queries"))))
    return {"answered": len(done)}


async def _sleep(session: AsyncSession, milliseconds: int) -> None:
    await session.execute(select(func.pg_sleep(milliseconds / 1000)))


async def upstream() -> dict[str, Any]:
    """Make so many `calls` of another service, all at once."""
    client = _client()
    answers = await asyncio.gather(*(client.get("/") for _ in range(number("calls"))))
    return {"answered": sum(answer.is_success for answer in answers)}


def _client() -> "httpx.AsyncClient":
    """The process's, with as many connections as are needed."""
    if CLIENT not in current_app.extensions:
        import httpx

        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        current_app.extensions[CLIENT] = httpx.AsyncClient(base_url=current_app.config[UPSTREAM], limits=limits)
    client: httpx.AsyncClient = current_app.extensions[CLIENT]
    return client


async def wait() -> dict[str, Any]:
    """Wait for `ms` milliseconds."""
    await asyncio.sleep(number("ms") / 1000)
    return {"waited": number("ms")}


async def block() -> dict[str, Any]:
    """Block for `ms` milliseconds, as code that does not await."""
    time.sleep(number("ms") / 1000)  # noqa: ASYNC251 - that is what is measured
    return {"waited": number("ms")}


async def block_in_thread() -> dict[str, Any]:
    """The same in a thread of its own."""
    await asyncio.to_thread(time.sleep, number("ms") / 1000)
    return {"waited": number("ms")}


VIEWS = (noop, slow, fan_out_slow, upstream, wait, block, block_in_thread)
