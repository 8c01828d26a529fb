"""Options, the plan, and what all trials share. Without options: one pass over both databases, and pytest-benchmark's tables."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.in_process.micro.cells import Cell, groups, passes
from benchmarks.in_process.micro.laboratory import Laboratory
from benchmarks.in_process.micro.trials import Measure, run_trial
from benchmarks.in_process.models import MODELS, PORTALS, Model, PortalWay
from benchmarks.machinery.databases import KINDS, SETTINGS, DataError
from benchmarks.machinery.environment import environment
from benchmarks.machinery.postgres import PostgresError, connect_or_start
from benchmarks.raw import Recorder
from benchmarks.raw.micro import Check, Group, Header
from benchmarks.subjects.scenarios import BOOKS_IN_PROCESS, IN_PROCESS

PLAN = pytest.StashKey[list[Cell]]()
STATUS = pytest.StashKey[int]()


OPTIONS: dict[str, dict[str, Any]] = {
    "passes": {"type": int, "default": 1, "help": "how often to measure everything (default: %(default)s)"},
    "database": {"choices": KINDS, "action": "append", "default": [], "help": "may be repeated (default: both)"},
    "scenario": {"choices": list(IN_PROCESS), "action": "append", "default": [], "help": "may be repeated (default: all)"},
    "seed": {"type": int, "default": 0, "help": "of the order of the contenders (default: %(default)s)"},
    "seconds": {"type": float, "default": 0.06, "help": "a trial, warm-up included (default: %(default)s)"},
    "record": {"type": Path, "default": None, "help": "raw file to write"},
    "folder": {"type": Path, "default": None, "help": "for SQLite's files; removed at the end (default: a temporary one)"},
    "command": {"default": "", "help": "what to name in the raw file as the command"},
    "lifeline": {"type": int, "default": None, "help": "end when this pipe does: whoever started this is gone"},
}
"""What `python -m benchmarks micro` sets."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("micro", "in-process comparison")
    for name, options in OPTIONS.items():
        group.addoption(f"--{name}", **options)


def _option(config: pytest.Config, name: str) -> Any:
    """Its value; where pytest was called on a parent folder this file comes too late to add options."""
    return config.getoption(f"--{name}", OPTIONS[name]["default"])


def pytest_configure(config: pytest.Config) -> None:
    """Plan, and watch over whoever started this."""
    config.addinivalue_line("markers", "measures(*scenarios): the test measures these")
    if _option(config, "lifeline") is not None:
        threading.Thread(target=_interrupt_at_end, args=(_option(config, "lifeline"),), daemon=True).start()
    config.stash[PLAN] = passes(_groups(config), _option(config, "passes"), _option(config, "seed"))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember the status."""
    session.config.stash[STATUS] = exitstatus


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End at once where somebody waits for it: a contender that hung may have threads that never end."""
    if _option(config, "lifeline") is not None:
        sys.stdout.flush()
        os._exit(config.stash.get(STATUS, pytest.ExitCode.INTERNAL_ERROR))


def _interrupt_at_end(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)


def _groups(config: pytest.Config) -> list[Group]:
    return groups(_option(config, "database") or KINDS, _option(config, "scenario"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test the cells of its scenarios."""
    marker = metafunc.definition.get_closest_marker("measures")
    if marker and "cell" in metafunc.fixturenames:
        cells = [cell for cell in metafunc.config.stash[PLAN] if cell.group.scenario in marker.args]
        several = _option(metafunc.config, "passes") > 1
        metafunc.parametrize("cell", cells, ids=[f"{cell.number}-{cell.name}" if several else cell.name for cell in cells])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    """Run in the order of the plan; leave out tests that have nothing in it."""
    plan: list[Cell] = config.stash[PLAN]
    place: dict[object, int] = {cell: index for index, cell in enumerate(plan)}
    ours = [item for item in items if "measure" in item.fixturenames]
    for item in ours:
        item.add_marker(pytest.mark.filterwarnings("ignore"))  # no warning is an error in an app that serves
    planned = [item for item in ours if item.callspec.params["cell"] in place]
    planned.sort(key=lambda item: place[item.callspec.params["cell"]])
    items[:] = [item for item in items if item not in ours] + planned


@pytest.fixture(scope="session")
def recorder(request: pytest.FixtureRequest) -> Iterator[Recorder | None]:
    """The raw file, if there is to be one."""
    path = _option(request.config, "record")
    recorder = Recorder(path) if path else None
    yield recorder
    if recorder:
        recorder.close()


@pytest.fixture(scope="session")
def laboratory(request: pytest.FixtureRequest, recorder: Recorder | None) -> Iterator[Laboratory]:
    """All contenders, open on databases of their own; the header of the raw file is written first."""
    config = request.config
    chosen = _groups(config)

    def found(check: Check) -> None:
        if recorder:
            recorder.write(check)

    with ExitStack() as stack:
        folder = _option(config, "folder") or Path(tempfile.mkdtemp(prefix="benchmarks-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        laboratory = Laboratory(found)
        try:
            needed = any(group.database == "postgresql" for group in chosen)
            server = stack.enter_context(connect_or_start(os.environ.get("DATABASE_URL"))) if needed else None
            laboratory.make_databases(chosen, server, folder)
        except (PostgresError, DataError) as error:
            pytest.exit(str(error), returncode=2)
        if recorder:
            recorder.write(_header(config, chosen, laboratory))
        laboratory.examine(chosen)
        with laboratory.open(chosen):
            yield laboratory


@pytest.fixture(scope="session")
def measure(request: pytest.FixtureRequest, laboratory: Laboratory, recorder: Recorder | None) -> Measure:
    """What runs a trial."""
    return partial(run_trial, laboratory, recorder, _option(request.config, "seconds"))


def _header(config: pytest.Config, chosen: list[Group], laboratory: Laboratory) -> Header:
    contenders: list[Model | PortalWay] = [*MODELS.values(), *PORTALS.values()]
    about = {one.name: one.about for one in contenders}
    return Header(
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=_option(config, "command"),
        seed=_option(config, "seed"),
        passes=_option(config, "passes"),
        seconds=_option(config, "seconds"),
        books=BOOKS_IN_PROCESS,
        databases=laboratory.facts(),
        groups=tuple(chosen),
        contenders={name: about[name] for group in chosen for name in group.contenders},
        settings={name: value for name, value in SETTINGS.items() if name != "SECRET_KEY"},
        environment=environment(),
    )
