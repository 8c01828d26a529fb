"""The sync app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, request
from sqlalchemy import func, select

from app_sync import create_app
from app_sync.config import alchemy
from benchmarks.subjects.apps import equip, freeze
from benchmarks.subjects.contenders import THREADS


def create(config: Mapping[str, Any] | None = None) -> Flask:
    """The app, set up by `CATALOG_*` variables and `config`."""
    app = create_app(config)
    return equip(app, VIEWS, app.portal.stop)


def create_a2wsgi(config: Mapping[str, Any] | None = None) -> Any:
    """The same for ASGI servers: a2wsgi calls it in as many threads as the baseline has."""
    from a2wsgi import WSGIMiddleware

    return WSGIMiddleware(create(config), workers=THREADS)  # type: ignore[arg-type]  # its types are no supertypes of Flask's


def create_frozen() -> Flask:
    """The same, of which the collector goes through nothing that is there from the start."""
    return freeze(create())


def noop() -> str:
    """Do nothing."""
    return ""


def slow() -> dict[str, Any]:
    """Wait in the database for `ms` milliseconds (PostgreSQL)."""
    milliseconds = request.args.get("ms", 0, type=int)
    alchemy().get_session(read_only=True).execute(select(func.pg_sleep(milliseconds / 1000)))
    return {"waited": milliseconds}


VIEWS = (noop, slow)
