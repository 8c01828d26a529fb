"""Many passes over the suite, their contenders in shuffled order, each trial in a raw file as soon as it is finished."""

import io
import signal
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.in_process.cells import MicroCell
from benchmarks.in_process.micro.laboratory import LABORATORY, Laboratory
from benchmarks.in_process.micro.plan import Plan
from benchmarks.machinery.databases import SETTINGS
from benchmarks.machinery.environment import environment
from benchmarks.machinery.reasons import reason
from benchmarks.machinery.supervised import temporary_folder
from benchmarks.raw import Recorder
from benchmarks.raw.micro import MicroCheck, MicroHeader, MicroTrial
from benchmarks.subjects.contenders import CONTENDERS
from benchmarks.subjects.portals import PORTALS
from benchmarks.subjects.scenarios import BOOKS_IN_PROCESS

FEWEST = 3
"""Rounds of a trial."""


def run(plan: Plan, say: Callable[[str], object]) -> None:
    """Run the plan; `say` is told of each pass and of what fails.

    The finished part of the raw file stays when this is interrupted. Raises `BenchmarkError`.
    """
    recording = Recording(plan, say)
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)  # else a test would fail of it, and the run go on
    try:
        with temporary_folder() as folder, redirect_stdout(io.StringIO()) as said:
            status = pytest.main([str(Path(__file__).parent), *_options(plan, folder)], plugins=[recording])
    finally:
        signal.signal(signal.SIGTERM, former)
        recording.close()
    if recording.ended or status not in {0, 1}:  # 1: a contender failed, which the raw file tells
        if status == pytest.ExitCode.INTERRUPTED and not recording.ended:
            raise KeyboardInterrupt
        last = said.getvalue().strip().rpartition("\n")[2].strip("!= ")
        raise BenchmarkError(f"the comparison ended early: {recording.ended or last}")


def _options(plan: Plan, folder: Path) -> list[str]:
    """Instead of the options of the project's tests, which may run them in several processes."""
    return [
        *("-o", "addopts=", "-o", "timeout=0", "--import-mode=importlib", "-p", "no:cacheprovider", "-W", "ignore", "-s"),
        *(f"--basetemp={folder / 'pytest'}", "--tb=line", "--benchmark-quiet"),
        *(f"--benchmark-max-time={plan.seconds}", f"--benchmark-min-rounds={FEWEST}"),
    ]


@dataclass
class Recording:
    """The plugin of pytest."""

    plan: Plan
    say: Callable[[str], object]
    ended: str = ""
    _recorder: Recorder | None = None
    _checks: int = 0
    _pass: int = 0
    _began: float = field(default_factory=time.monotonic)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Have each test once for every pass."""
        metafunc.fixturenames.append("number")
        metafunc.parametrize("number", range(1, self.plan.passes + 1))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        """In every pass each group once, its contenders one after the other in shuffled order; without what is not planned."""
        random = Random(self.plan.seed)
        groups = {group: place for place, group in enumerate(dict.fromkeys(cell[:2] for cell in self.plan.cells))}
        cells = set(self.plan.cells)
        planned = [item for item in items if _of(item)[1] in cells]

        def place(item: pytest.Function) -> tuple[int, int, float]:
            number, cell = _of(item)
            return number, groups[cell[:2]], random.random()

        items[:] = sorted(planned, key=place)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Function, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Record a trial once it is measured, and why where it is not."""
        if call.when == "call" or (call.when == "setup" and call.excinfo):
            self._see(item, call)
        return (yield)

    def _see(self, item: pytest.Function, call: pytest.CallInfo[None]) -> None:
        number, cell = _of(item)
        laboratory = item.config.stash.get(LABORATORY, None) or Laboratory({})
        if self._recorder is None:
            self._recorder = Recorder(self.plan.output)
            facts: dict[str, dict[str, str]] = {kind: databases.facts() for kind, databases in laboratory.databases.items()}
            self._recorder.write(_header(self.plan, facts))
        if call.excinfo and laboratory.problem(cell) is None:
            problem = f"while measuring: {reason(call.excinfo.value)}"
            laboratory.checks.append(MicroCheck(cell.database, cell.contender, cell.scenario, problem))
        for check in laboratory.checks[self._checks :]:
            self._recorder.write(check)
            if check.problem:
                self.say(f"{check.contender} fails: {check.scenario}, {check.database}: {check.problem}")
        self._checks = len(laboratory.checks)
        if number > self._pass:
            each = (time.monotonic() - self._began) / max(1, self._pass)
            left = f", about {each * (self.plan.passes - self._pass):.0f} s left" if self._pass else ""
            self._began, self._pass = self._began if self._pass else time.monotonic(), number
            self.say(f"pass {number} of {self.plan.passes}{left}")
        if not call.excinfo:
            self._recorder.write(_trial(item))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note why the suite ended early."""
        if isinstance(excinfo.value, pytest.exit.Exception):
            self.ended = str(excinfo.value)

    def close(self) -> None:
        """Close the raw file."""
        if self._recorder:
            self._recorder.close()


def _of(item: pytest.Function) -> tuple[int, MicroCell]:
    """The pass, counted from 1, and what is measured in it."""
    number, cell = item.callspec.params["number"], item.callspec.params["cell"]
    assert isinstance(number, int)
    assert isinstance(cell, MicroCell)
    return number, cell


def _trial(item: pytest.Function) -> MicroTrial:
    number, cell = _of(item)
    benchmark: Any = item.funcargs["benchmark"]
    median, extra = benchmark.stats.stats.median, benchmark.extra_info
    wall = median / extra["batch"] * 1e6
    return MicroTrial(number, *cell, extra["units"], round(wall, 3), extra["cpu"])


def _header(plan: Plan, databases: Mapping[str, dict[str, str]]) -> MicroHeader:
    about = {**{one.name: one.about for one in CONTENDERS.values()}, **{one.name: one.about for one in PORTALS.values()}}
    return MicroHeader(
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=plan.command,
        seed=plan.seed,
        passes=plan.passes,
        seconds=plan.seconds,
        books=BOOKS_IN_PROCESS,
        databases=databases,
        groups=plan.groups,
        contenders={name: about[name] for name in dict.fromkeys(cell.contender for cell in plan.cells)},
        settings={name: value for name, value in SETTINGS.items() if name != "SECRET_KEY"},
        environment=environment(),
    )
