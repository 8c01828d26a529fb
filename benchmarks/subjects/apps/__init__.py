"""The apps as servers start them: `module:factory()`, or in process with settings: `factory(config)`.

Each module imports one app alone, so that a process holds nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from flask import Flask

TOKEN_VARIABLE = "BENCHMARK_TOKEN"  # noqa: S105 - no password: it proves that an answer comes from the process started for it
TOKEN_PATH = "/benchmark-token"  # noqa: S105
CLOSE = "benchmarks.close"
"""The extension of a WSGI app that closes its connections."""


def equip(app: Flask, noop: Callable[[], Any], slow: Callable[[], Any], close: Callable[[], object]) -> Flask:
    """Add what is no part of the catalogue: the empty view, the query that waits, who answers here, and how it is closed."""
    app.extensions[CLOSE] = close
    app.add_url_rule("/noop", view_func=noop)
    app.add_url_rule("/slow", view_func=slow)
    app.add_url_rule(TOKEN_PATH, "benchmark_token", lambda: os.environ.get(TOKEN_VARIABLE, ""))
    return app
