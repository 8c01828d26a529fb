"""The in-process comparison in a process of its own: started, followed through its raw file, and ended whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.in_process.micro.cells import groups
from benchmarks.machinery.postgres import connect_or_start
from benchmarks.machinery.supervised import temporary_folder
from benchmarks.raw.micro import Group

POLL_SECONDS = 0.2
ENDING_SECONDS = 30
"""How long the process may take to clean up after an interruption."""
PREPARING_SECONDS = 20
PYTEST = (
    "-o",
    "addopts=",
    "--import-mode=importlib",
    "-p",
    "no:cacheprovider",
    "--tb=line",
    "--benchmark-only",
    "--benchmark-quiet",
)
"""Instead of the options of the project's tests, which may run them in several processes."""
EXIT = "_pytest.outcomes.Exit: "
"""How pytest begins the reason that was given to `pytest.exit`."""
OVERHEAD = 1.15
"""A trial's time over its nominal one: what is prepared before it, and undone after it."""


class RunError(Exception):
    """The comparison ended early; the message says why in one line."""


@dataclass(frozen=True)
class Plan:
    """What to run; `scenarios` empty for all, `seconds` per trial, `command` as the raw file shall name it."""

    passes: int
    databases: Sequence[str]
    scenarios: Sequence[str]
    seed: int
    seconds: float
    output: Path
    command: str

    @property
    def groups(self) -> list[Group]:
        """The comparisons."""
        return groups(self.databases, self.scenarios)

    @property
    def cells(self) -> int:
        """Trials in a pass."""
        return sum(len(group.contenders) for group in self.groups)

    @property
    def duration(self) -> float:
        """About how many seconds it takes."""
        return PREPARING_SECONDS + self.measuring

    @property
    def measuring(self) -> float:
        """The part of it after preparations."""
        return self.passes * self.cells * self.seconds * OVERHEAD


def run(plan: Plan, see: Callable[[dict[str, Any]], object]) -> None:
    """Run the plan; `see` is given each line of the raw file once it is written.

    The finished part of the raw file stays when this is interrupted. Raises `PostgresError` and `RunError`.
    """
    with ExitStack() as stack:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CATALOG_"))}
        if any(group.database == "postgresql" for group in plan.groups):
            # Started here, so that it is ended even if the other process is killed.
            environment["DATABASE_URL"] = stack.enter_context(connect_or_start(os.environ.get("DATABASE_URL"))).url
        folder = stack.enter_context(temporary_folder())
        log = stack.enter_context(tempfile.TemporaryFile("w+"))
        plan.output.unlink(missing_ok=True)
        plan.output.parent.mkdir(parents=True, exist_ok=True)
        lines = _lines(plan.output)
        with _pytest(_options(plan, folder), environment, log) as process:
            while process.poll() is None:
                time.sleep(POLL_SECONDS)
                for line in next(lines):
                    see(line)
        for line in next(lines):
            see(line)
        if process.returncode not in {0, 1}:  # 1: a contender failed, which the raw file tells
            log.seek(0)
            raise RunError(f"the comparison ended early: {_last_words(log.read()) or process.returncode}")


def _last_words(log: str) -> str:
    """Why pytest was told to exit, or else its last line."""
    lines = log.strip().splitlines()
    told = [line.partition(EXIT)[2] for line in lines if EXIT in line]
    return (told or lines or [""])[-1].strip("!= ")


def _options(plan: Plan, folder: Path) -> list[str]:
    values: list[tuple[str, object]] = [
        ("passes", plan.passes),
        ("seed", plan.seed),
        ("seconds", plan.seconds),
        ("record", plan.output.absolute()),
        ("folder", folder),
        ("command", plan.command),
        *(("database", database) for database in plan.databases),
        *(("scenario", scenario) for scenario in plan.scenarios),
    ]
    return [f"--{name}={value}" for name, value in values]


@contextmanager
def _pytest(options: list[str], environment: dict[str, str], log: Any) -> Iterator[subprocess.Popen[bytes]]:
    """The process; in a session of its own, so that Ctrl-C reaches it once. It ends itself when this one is gone."""
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "pytest", str(Path(__file__).parent), *PYTEST]
    with subprocess.Popen(
        [*command, f"--lifeline={reading}", *options],
        env=environment,
        pass_fds=[reading],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        os.close(reading)
        try:
            yield process
        finally:
            former = {
                number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)
            }  # once is enough
            try:
                _end(process)
            finally:
                for number, handler in former.items():
                    signal.signal(number, handler)
                os.close(writing)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _lines(path: Path) -> Iterator[list[dict[str, Any]]]:
    """Each time, the lines that have become complete since the last time."""
    while not path.exists():
        yield []
    with path.open(encoding="utf-8") as file:
        rest = ""
        while True:
            *complete, rest = (rest + file.read()).split("\n")
            yield [json.loads(line) for line in complete]
