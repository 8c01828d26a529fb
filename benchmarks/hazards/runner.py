"""Runs sides in processes of their own, several at once, and tells what was seen of each."""

import json
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Self

from benchmarks.hazards.hazard import MODELS, Database, Facts, Hazard, Model, Observation
from benchmarks.machinery.absent import surroundings
from benchmarks.machinery.child import Child, worker
from benchmarks.machinery.postgres import PostgresServer, connect_or_start
from benchmarks.machinery.supervised import temporary_folder
from benchmarks.raw.hazards import Side

ROOT = Path(__file__).parents[2]
LIMIT = 60.0
"""Seconds that a side may take. On a busy machine a reloader (H38) has taken 20."""
END_SECONDS = 60.0
"""And how long its warden may take to note that it was killed."""
AT_ONCE = 4
"""More than there are cores, as a rule: most sides wait for something, or for nothing any more."""
OURS = ("CATALOG_", "FLASK_", "DATABASE_")
"""Settings of the user's own, which no side shall see."""
_ERROR = re.compile(r"^(?:[\w.]+\.)?\w*(?:Error|Exception|Exit|Interrupt|MissingGreenlet|NoResultFound)(?:: .*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Task:
    """A side to run."""

    hazard: Hazard
    model: Model
    database: Database


def plan(hazards: Sequence[Hazard], database: Database | None = None) -> list[Task]:
    """Every side of the hazards, on `database` or on the one where each is most telling; those it has no part in are left out."""
    tasks = []
    for hazard in hazards:
        chosen = hazard.databases[0] if database is None or hazard.databases == ("none",) else database
        if chosen in hazard.databases:
            tasks += [Task(hazard, model, chosen) for model in MODELS]
    return tasks


class HazardRunner:
    """Runs sides, within `with`; `server` is needed for those on PostgreSQL. `close` kills what runs."""

    def __init__(self, server: PostgresServer | None) -> None:
        self._server = server
        self._running: set[int] = set()
        self._lock = threading.Lock()
        self._parents: dict[str, Child] = {}
        self._numbers = count()
        self._stack = ExitStack()
        self._closed = False

    def __enter__(self) -> Self:
        self._folder = self._stack.enter_context(temporary_folder())
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._stack.close()

    def run(self, task: Task, limit: float = LIMIT) -> Side:
        """Run a side, in an empty folder and with an empty database of its own.

        Raises:
            PostgresError: if that database cannot be made.
        """
        with ExitStack() as stack:
            folder = self._folder / str(next(self._numbers))
            (folder / "work").mkdir(parents=True)
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            environ = {"DATABASE_URL": stack.enter_context(self._database())} if task.database == "postgresql" else {}
            hazard = task.hazard
            order = {
                "model": task.model,
                "script": str(hazard.script),
                "hazard": hazard.name,
                "folder": str(folder),
                "environ": environ,
            }
            seen = self._observe(order, folder, limit)
        outcome = hazard.outcome(seen)
        return Side(hazard.name, task.model, task.database, outcome.broken, outcome.sentence, **vars(seen))

    @contextmanager
    def _database(self) -> Iterator[str]:
        assert self._server
        name = f"hazards_{os.getpid()}_{next(self._numbers)}"
        url = self._server.create_database(name)
        try:
            yield url.replace("postgresql://", "postgresql+asyncpg://", 1)
        finally:
            self._server.drop_database(name)

    def _observe(self, order: Mapping[str, Any], folder: Path, limit: float) -> Observation:
        began = time.monotonic()
        pid = self._parent("stock" if order["model"] == "documented" else "runtime").ask(order)
        with self._lock:
            self._running.add(pid)
            if self._closed:
                _kill(pid)
        end = self._read(folder / "end", limit)
        seconds = time.monotonic() - began
        _kill(pid)
        with self._lock:
            self._running.discard(pid)
        self._read(folder / "end", END_SECONDS)
        facts = _facts((folder / "stdout").read_text(errors="replace"))
        errors = _errors((folder / "stderr").read_text(errors="replace"))
        status = None if end is None else int(end)
        said = "time limit" if status is None else signal.Signals(-status).name if status < 0 else f"exit {status}"
        return Observation(facts, said, errors, round(seconds, 2))

    def _parent(self, kind: str) -> Child:
        """Who starts sides of that kind."""
        with self._lock:
            if kind not in self._parents:
                environ = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
                environ |= {**surroundings(path=str(ROOT)), "PYTHONUNBUFFERED": "1"}
                parent = worker("benchmarks.hazards.side", kind, environ=environ)
                self._parents[kind] = self._stack.enter_context(parent)
            return self._parents[kind]

    def _read(self, path: Path, seconds: float) -> str | None:
        """What the warden notes there; None if it does not within that time, or the runner is closed."""
        deadline = time.monotonic() + seconds
        while not path.exists():
            if self._closed or time.monotonic() > deadline:
                return None
            time.sleep(0.01)
        return path.read_text()

    def close(self) -> None:
        """Kill what runs and start nothing more."""
        with self._lock:
            self._closed = True
            for pid in self._running:
                _kill(pid)
            for parent in self._parents.values():
                parent.process.kill()


def run(tasks: Sequence[Task], url: str | None, see: Callable[[Side], None], *, at_once: int = AT_ONCE) -> None:
    """Run the tasks, `at_once` at a time; `see` is told of each side as it ends.

    PostgreSQL is the server at `url`, or one started for the time, if a task needs one. Raises `PostgresError`.
    """
    with ExitStack() as stack:
        server = None
        if any(task.database == "postgresql" for task in tasks):
            server = stack.enter_context(connect_or_start(url))
        runner = stack.enter_context(HazardRunner(server))
        pool = stack.enter_context(ThreadPoolExecutor(at_once))
        try:
            for future in as_completed([pool.submit(runner.run, task) for task in tasks]):
                see(future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            runner.close()
            raise


def _kill(group: int) -> None:
    """Kill a side and what it has started."""
    for kill in (os.killpg, os.kill):  # the second for a side that has no group yet
        with suppress(ProcessLookupError):
            kill(group, signal.SIGKILL)


def _facts(output: str) -> Facts:
    """The last line that is a JSON object; a library may have said something after it."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            with suppress(ValueError):
                facts: Facts = json.loads(line)
                return facts
    return {}


def _errors(text: str) -> tuple[str, ...]:
    """The distinct last lines of tracebacks; what differs from run to run, addresses and paths, taken out."""
    found = (re.sub(r"<.*>", "<...>", match.group()) for match in _ERROR.finditer(text))
    return tuple(dict.fromkeys(line[:200] for line in found))[:5]
