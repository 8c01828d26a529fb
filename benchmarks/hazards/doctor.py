"""Look at a Flask app for hazards of the catalogue, without a request and without a connection.

The app is imported in a process of its own (`examine`), in which no tables are made on start. What cannot be seen from outside is
said to be undecided, never guessed.
"""

import importlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig, SQLAlchemySyncConfig
from asgiref.wsgi import WsgiToAsgi
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy.pool import NullPool

from benchmarks.errors import BenchmarkError

SECONDS = 60
"""How long an app may take to be imported."""
LOOP_BOUND = ("asyncpg", "psycopg", "psycopg_async")
"""Drivers whose connections belong to the event loop on which they were made."""
EXTENSION = "advanced_alchemy"


@dataclass(frozen=True)
class Symptom:
    """A hazard that the app has: its name in the catalogue, and what was seen of it."""

    hazard: str
    seen: str


@dataclass(frozen=True)
class Diagnosis:
    """What was found, and what cannot be decided from here."""

    findings: tuple[Symptom, ...]
    undecided: tuple[str, ...]


def examine(path: str) -> Diagnosis:
    """Look at `module:app`, or `module:factory`. Raises `BenchmarkError`."""
    places = [str(Path.cwd()), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.hazards.doctor", path],
            check=False,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
        )
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"{path} was not imported within {SECONDS} s") from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.strip().rpartition("\n")[2]
        raise BenchmarkError(f"{path} cannot be imported: {last or f'status {done.returncode}'}") from None
    if "error" in answer:
        raise BenchmarkError(answer["error"])
    return Diagnosis(tuple(Symptom(**one) for one in answer["findings"]), tuple(answer["undecided"]))


@dataclass(frozen=True)
class Subject:
    """An app, and what the checks ask of it. `adapted` says that it is served through asgiref's `WsgiToAsgi`."""

    app: Flask
    adapted: bool = False

    @property
    def configs(self) -> Sequence[SQLAlchemyAsyncConfig | SQLAlchemySyncConfig]:
        """Of its databases."""
        extension = self.app.extensions.get(EXTENSION)
        return extension.config if extension else ()

    @property
    def asynchronous(self) -> list[SQLAlchemyAsyncConfig]:
        """Configurations of async engines."""
        return [config for config in self.configs if isinstance(config, SQLAlchemyAsyncConfig)]

    @property
    def stock(self) -> bool:
        """Whether sessions live and end as Advanced Alchemy's extension has it."""
        extension = self.app.extensions.get(EXTENSION)
        return extension is not None and type(extension).init_app is AdvancedAlchemy.init_app

    @property
    def loop_per_call(self) -> bool:
        """Whether coroutines run by asgiref, each on an event loop of its own."""
        return type(self.app).async_to_sync is Flask.async_to_sync

    @property
    def coroutines(self) -> list[str]:
        """Async views by endpoint, methods of class-based views among them."""
        found = []
        for endpoint, view in self.app.view_functions.items():
            methods = vars(getattr(view, "view_class", object)).values()
            if any(inspect.iscoroutinefunction(one) for one in (view, *methods)):
                found.append(endpoint)
        return found

    @property
    def commits(self) -> bool:
        """Whether the extension commits at the end of a request."""
        return any(config.commit_mode != "manual" for config in self.configs)


def _loops(subject: Subject) -> Iterator[Symptom]:
    if subject.loop_per_call and subject.coroutines:
        yield Symptom("h21", f"{len(subject.coroutines)} async views, each call on an event loop of its own")
    if subject.adapted:
        yield Symptom("h14", "the app is wrapped in asgiref's WsgiToAsgi")


def _drivers(subject: Subject) -> Iterator[Symptom]:
    for config in subject.asynchronous:
        if not (subject.stock and subject.loop_per_call):
            continue
        engine = config.get_engine()
        driver, bind = engine.dialect.driver, config.bind_key or "default"
        if driver in LOOP_BOUND and isinstance(engine.pool, NullPool):
            yield Symptom("h3", f"bind {bind!r}: {driver} with NullPool; views and the extension use different loops")
            yield Symptom("h17", f"bind {bind!r}: NullPool opens a connection for each session")
        elif driver in LOOP_BOUND:
            yield Symptom("h1", f"bind {bind!r}: {driver} in a pool ({type(engine.pool).__name__})")
        elif driver == "aiosqlite":
            yield Symptom("h12", f"bind {bind!r}: aiosqlite hides what another driver would show")
    blocking = [config.bind_key or "default" for config in subject.configs if isinstance(config, SQLAlchemySyncConfig)]
    if blocking and subject.coroutines:
        binds = ", ".join(blocking)
        yield Symptom("h27", f"async views beside a synchronous engine (bind {binds}): its calls block the event loop")


def _portal(subject: Subject) -> Iterator[Symptom]:
    if not (subject.stock and subject.asynchronous):
        return
    if subject.app.debug:
        yield Symptom("h32", "debug is on: it hides that each request stops the portal")
    else:
        yield Symptom("h2", "the portal is stopped at the end of each request")
    yield Symptom("h4", "tables are made on start, whatever create_all says")
    yield Symptom("h8", "the portal's thread starts with the app, before a fork (gunicorn --preload)")
    yield Symptom("h11", "engines are not disposed of at exit")


def _commits(subject: Subject) -> Iterator[Symptom]:
    if not (subject.stock and subject.commits):
        return
    yield Symptom("h5", "a commit that fails does not close its session")
    if any(config.get_engine().dialect.name == "sqlite" for config in subject.configs):
        yield Symptom("h23", "SQLite, where a commit that is refused leaves its transaction open")
    if len(subject.configs) > 1:
        yield Symptom("h24", f"{len(subject.configs)} binds, committed one after the other")


CHECKS: tuple[Callable[[Subject], Iterator[Symptom]], ...] = (_loops, _drivers, _portal, _commits)


def diagnose(subject: Subject) -> Diagnosis:
    """Run all checks."""
    undecided = ["which server it will run under: with gunicorn --preload see H8, with an ASGI adapter see H14 and H43"]
    if EXTENSION not in subject.app.extensions:
        undecided.append("databases: there is no Advanced Alchemy extension on this app, so only its views were looked at")
    return Diagnosis(tuple(finding for check in CHECKS for finding in check(subject)), tuple(undecided))


def load(path: str) -> Subject:
    """Import the app, without letting it make tables. Raises `click.ClickException`, and whatever the import raises."""

    async def no_tables(_: SQLAlchemyAsyncConfig) -> None:
        pass

    SQLAlchemyAsyncConfig.create_all_metadata = no_tables  # type: ignore[method-assign, assignment]
    SQLAlchemySyncConfig.create_all_metadata = lambda _: None  # type: ignore[method-assign, assignment]
    module, _, name = path.partition(":")
    found: Any = getattr(importlib.import_module(module), name, None) if name.isidentifier() else None
    if isinstance(found, WsgiToAsgi):
        return Subject(found.wsgi_application, adapted=True)
    if isinstance(found, Flask):
        return Subject(found)
    if isinstance(inner := getattr(found, "app", None), Flask):  # an ASGI application around it
        return Subject(inner)
    return Subject(ScriptInfo(app_import_path=path).load_app())


def main(path: str) -> None:
    """Print the diagnosis of the app as JSON, or the error."""
    stdout = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the stock extension prints on start
    try:
        found = diagnose(load(path))
        answer: dict[str, Any] = {"findings": [asdict(one) for one in found.findings], "undecided": found.undecided}
    except click.ClickException as error:
        answer = {"error": " ".join(error.format_message().split())}
    except Exception as error:  # noqa: BLE001 - whatever the app's own code raises
        answer = {"error": f"{path} cannot be imported: {type(error).__name__}: {' '.join(str(error).split())}"}
    json.dump(answer, stdout)
    stdout.flush()
    os._exit(0)  # without waiting for threads of the app


if __name__ == "__main__":
    main(sys.argv[1])
