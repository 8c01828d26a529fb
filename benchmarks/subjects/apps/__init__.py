"""The apps as servers start them: `module:factory()`, or in process with settings: `factory(config)`.

Each module imports one app alone, so that a process holds nothing else.
"""

import gc
import os
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from flask import Flask, request

TOKEN_VARIABLE = "BENCHMARK_TOKEN"  # noqa: S105 - no password: it proves that an answer comes from the process started for it
TOKEN_PATH = "/benchmark-token"  # noqa: S105
CLOSE = "benchmarks.close"
"""The extension of a WSGI app that closes its connections."""
UPSTREAM = "UPSTREAM"
"""The setting that names the service which the apps ask."""
COLLECTIONS_PATH = "/benchmark-collections"
EQUIPPED = ("benchmark_token", "benchmark_collections")
"""The endpoints of the views that tell of the process."""
_collections: list[tuple[float, float]] = []
_began = 0.0
OLDEST = 2
T = TypeVar("T")


def equip(app: Flask, views: Iterable[Callable[[], Any]], close: Callable[[], object]) -> Flask:
    """Add what is no part of the catalogue: views at the path of their names, who answers, what was collected, its end."""
    app.extensions[CLOSE] = close
    for view in views:
        app.add_url_rule(f"/{view.__name__.replace('_', '-')}", view_func=view)
    app.add_url_rule(TOKEN_PATH, EQUIPPED[0], token)
    app.add_url_rule(COLLECTIONS_PATH, EQUIPPED[1], collected)
    note_collections()
    return app


def number(name: str) -> int:
    """A parameter of the request."""
    return request.args.get(name, 0, type=int)


def token() -> str:
    """What proves who answers."""
    return os.environ.get(TOKEN_VARIABLE, "")


def collected() -> list[tuple[float, float]]:
    """The collections so far, see `_note`."""
    return list(_collections)


def note_collections() -> None:
    """Take note of them from now on."""
    if _note not in gc.callbacks:
        gc.callbacks.append(_note)


def freeze(app: T) -> T:
    """Keep the collector from all that exists now, as soon as it was cleaned up: the modules, the mappings, the app."""
    gc.collect()
    gc.freeze()
    return app


def _note(phase: str, info: dict[str, int]) -> None:
    """Of a collection of the oldest generation: when it began, on the clock time.monotonic(), and how many seconds it took."""
    global _began
    if info["generation"] < OLDEST:
        return
    if phase == "start":
        _began = time.monotonic()
    else:
        _collections.append((_began, time.monotonic() - _began))
