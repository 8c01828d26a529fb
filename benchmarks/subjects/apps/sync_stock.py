"""The sync app without the runtime: plain Flask and Advanced Alchemy's extension, as they come."""

from collections.abc import Mapping
from typing import Any

from flask import Flask

from app_sync.config import database_configs
from app_sync.driver import DRIVER
from app_sync.routes.activity import activity
from app_sync.routes.authors import authors
from app_sync.routes.books import books
from app_sync.routes.idiom import idiom
from app_sync.routes.reports import reports
from app_sync.routes.tags import tags
from benchmarks.subjects.apps import equip, stock
from benchmarks.subjects.apps.sync import VIEWS


def create(config: Mapping[str, Any] | None = None) -> Flask:
    """The app, set up by `CATALOG_*` variables and `config`."""
    blueprints = (authors, books, tags, activity, reports, idiom)
    app = stock.wire(Flask("app_sync"), config, DRIVER, database_configs, blueprints)

    def close() -> None:  # the stock extension never does
        for one in app.extensions["advanced_alchemy"].config:
            one.get_engine().dispose()

    return equip(app, VIEWS, close)
