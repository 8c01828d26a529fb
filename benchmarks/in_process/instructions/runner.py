"""The run: databases, examination of the answers, then cell by cell, with two processes at a time."""

import asyncio
import os
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from sqlalchemy import make_url

from benchmarks.in_process.cells import MicroCell as Place
from benchmarks.in_process.examination import Examination, Findings, examine
from benchmarks.in_process.instructions.callgrind import command, read_dump
from benchmarks.machinery.absent import surroundings
from benchmarks.machinery.child import ChildError, worker
from benchmarks.machinery.databases import Databases, Kind
from benchmarks.machinery.postgres import PostgresError, PostgresServer
from benchmarks.raw.instructions import InstructionCell
from benchmarks.subjects.contenders import CONTENDERS
from benchmarks.subjects.layers import of_object
from benchmarks.subjects.scenarios import BOOKS_IN_PROCESS, SCENARIOS

PROCESSES = 2
"""At a time: counts are not disturbed by what else runs."""
SECONDS = 600.0
"""After which a process counts as hung; most take below 60."""

WARM_UP = 64
"""At least so many requests before those that are counted, and no fewer than they: caches fill, bytecodes are specialised."""


@dataclass
class InstructionRunner:
    """Counts the cells of a plan, `repeats` times each; `server` is needed for PostgreSQL, `folder` for SQLite and dumps."""

    cells: Sequence[Place]
    repeats: int
    folder: Path
    server: PostgresServer | None
    databases: dict[Kind, Databases] = field(default_factory=dict)
    _copies: int = 0

    def prepare(self) -> dict[str, dict[str, str]]:
        """Migrate and seed a database of each kind; their versions and settings. Raises `BenchmarkError`."""
        for kind in dict.fromkeys(cell.kind for cell in self.cells):
            self.databases[kind] = Databases(kind, self.folder, self.server if kind == "postgresql" else None)
            self.databases[kind].seed(BOOKS_IN_PROCESS)
        return {kind: databases.facts() for kind, databases in self.databases.items()}

    def run(self, found: Callable[[InstructionCell], object]) -> None:
        """Count, and hand each cell to `found` once it is finished. An interruption ends the processes."""
        problems = self._examine()
        asyncio.run(self._run(problems, found))

    def _examine(self) -> dict[Place, str]:
        """What contenders answer wrong: that is not counted."""
        asked: dict[tuple[Kind, str], list[str]] = {}
        for cell in self.cells:
            asked.setdefault((cell.kind, cell.contender), []).append(cell.scenario)
        problems: dict[Place, str] = {}

        def note(examination: Examination, findings: Findings) -> None:
            for cell in self.cells:
                problem = findings.get(cell.scenario)
                if (cell.kind, cell.contender) == (examination.label, examination.contender) and problem:
                    problems[cell] = problem

        with ExitStack() as stack:
            examine([Examination(kind, name, self._urls(stack, kind), found) for (kind, name), found in asked.items()], note)
        return problems

    async def _run(self, problems: Mapping[Place, str], found: Callable[[InstructionCell], object]) -> None:
        limit = asyncio.Semaphore(PROCESSES)

        async def finish(place: Place) -> None:
            problem = problems.get(place)
            found(InstructionCell(*place, 0, (), {}, {}, problem) if problem else await self._cell(place, limit))

        async with asyncio.TaskGroup() as group:
            for place in self.cells:
                group.create_task(finish(place))

    async def _cell(self, place: Place, limit: asyncio.Semaphore) -> InstructionCell:
        number = SCENARIOS[place.scenario].batch or 1
        problem = ""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._count(place, number, layout, limit)) for layout in range(self.repeats)]
                trace = group.create_task(self._process(place, "trace", [], 0, limit))
        except* ChildError as errors:
            problem = f"while counting: {errors.exceptions[0]}"
        if problem:
            return InstructionCell(*place, 0, (), {}, {}, problem)
        counted, cycles = zip(*(task.result() for task in tasks), strict=True)
        layers = sorted({layer for count in counted for layer in count})
        native = {layer: round(fmean(count.get(layer, 0.0) for count in counted), 1) for layer in layers}
        counts = [round(sum(count.values()), 1) for count in counted]
        bytecodes = {layer: round(executed, 2) for layer, executed in trace.result()["bytecodes"].items()}
        return InstructionCell(*place, 2 * number, counts, native, bytecodes, None, cycles)

    async def _count(self, place: Place, number: int, layout: int, limit: asyncio.Semaphore) -> tuple[dict[str, float], float]:
        """Instructions per request by the layer whose machine code they are, and estimated cycles per request."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            dumps = Path(folder) / "dump"
            await self._process(place, "count", command(dumps), layout, limit)
            once, thrice = (read_dump(dumps.with_suffix(suffix)) for suffix in (".1", ".2"))
        layers: dict[str, float] = {}
        for path in once.instructions.keys() | thrice.instructions.keys():
            layer = of_object(path)
            counted = thrice.instructions[path] - once.instructions[path]
            layers[layer] = layers.get(layer, 0.0) + counted / (2 * number)
        return layers, round((thrice.cycles - once.cycles) / (2 * number), 1)

    async def _process(self, place: Place, task: str, prefix: Sequence[str], layout: int, limit: asyncio.Semaphore) -> Any:
        number = SCENARIOS[place.scenario].batch or 1
        async with limit:
            with ExitStack() as stack:
                try:
                    urls = self._urls(stack, place.kind)
                except PostgresError as error:
                    raise ChildError(str(error)) from None
                order = {
                    "task": task,
                    "contender": place.contender,
                    "urls": urls,
                    "scenario": place.scenario,
                    "requests": number,
                    "warm_up": max(WARM_UP, 4 * number),
                }
                return await _answer(prefix, order, environment(layout, CONTENDERS[place.contender].needs))

    def _urls(self, stack: ExitStack, kind: Kind) -> dict[str, str]:
        """Those of databases of its own as long as `stack` is open, by setting."""
        self._copies += 1
        urls = self.databases[kind].copy(f"copy{self._copies}")
        stack.callback(self._drop, urls)
        return urls

    def _drop(self, urls: Mapping[str, str]) -> None:
        for name in (make_url(url).database or "" for url in urls.values()):
            if self.server and name in self.server.created:
                self.server.drop_database(name)
            for suffix in ("", "-wal", "-shm"):
                Path(f"{name}{suffix}").unlink(missing_ok=True)


def environment(layout: int, needs: Collection[str] = ()) -> dict[str, str]:
    """What a process sees of the environment: little, so that runs are alike, and `layout` times some more.

    Where objects lie in memory decides which entries of Python's caches collide, and that moves counts by up to a per cent. A
    process repeats itself exactly, but any change of the code moves its objects; so repeats have other layouts, on purpose, by
    the size of the environment (Mytkowicz et al., "Producing Wrong Data Without Doing Anything Obviously Wrong!", 2009).
    """
    kept = {name: value for name, value in os.environ.items() if name in {"HOME", "LD_LIBRARY_PATH", "PATH"}}
    more = {f"LAYOUT{number}": "x" * (7 * number % 200) for number in range(97 * layout)}
    return {**kept, **surroundings(("numpy", *needs)), "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore", **more}


async def _answer(prefix: Sequence[str], order: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """What the process answers to its order. Raises `ChildError`."""
    with worker("benchmarks.in_process.instructions.child", prefix=prefix, environ=environ) as child:
        try:
            async with asyncio.timeout(SECONDS):
                answer: dict[str, Any] = await asyncio.to_thread(child.ask, order)
        except TimeoutError:
            raise ChildError(f"no answer within {SECONDS:g} s") from None
    if answer["problem"]:
        raise ChildError(answer["problem"])
    return answer
