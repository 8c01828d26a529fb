"""`instructions`: exact costs, under callgrind."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from os import environ
from pathlib import Path

import click

from benchmarks.analysis.instructions import spread, summarize
from benchmarks.cli.base import FILE, command_line, duration, long_job, require_writable
from benchmarks.in_process.cells import MicroCell as Place
from benchmarks.in_process.cells import contenders, plan, scenarios
from benchmarks.in_process.instructions import METHOD
from benchmarks.in_process.instructions.callgrind import command
from benchmarks.in_process.instructions.runner import PROCESSES, InstructionRunner
from benchmarks.machinery.databases import KINDS, SETTINGS
from benchmarks.machinery.environment import environment
from benchmarks.machinery.postgres import connect_or_start
from benchmarks.machinery.supervised import temporary_folder
from benchmarks.raw import Recorder
from benchmarks.raw import instructions as results
from benchmarks.raw.instructions import InstructionCell, InstructionHeader
from benchmarks.report.terminal import show_counts
from benchmarks.subjects.contenders import BASELINE, CONTENDERS, CONTROL, documented
from benchmarks.subjects.scenarios import BOOKS_IN_PROCESS, SCENARIOS

SECONDS = 25
"""About what a process takes."""
PREPARING_SECONDS = 30
COUNTED = [name for name in contenders() if name != CONTROL]


@click.command()
@click.option("--contender", "named", type=click.Choice(COUNTED), multiple=True, help="And the baseline; may be repeated.")
@click.option("--scenario", "asked", type=click.Choice(scenarios()), multiple=True, help="May be repeated.")
@click.option("--database", type=click.Choice([*KINDS, "both"]), default="both", show_default=True)
@click.option("--repeats", type=click.IntRange(1, 100), default=2, show_default=True, help="Processes to count each cell in.")
@click.option("--output", type=FILE, default=Path("build/instructions.jsonl"), show_default=True, help="Raw results.")
def instructions(named: tuple[str, ...], asked: tuple[str, ...], database: str, repeats: int, output: Path) -> None:
    """Count the instructions of a request, exactly, and estimate its cycles, with valgrind.

    In process, without a server. PostgreSQL is the server that DATABASE_URL names, or one that is started for the time.
    """
    cells = plan(KINDS if database == "both" else (database,), asked, named)
    require_writable(output)
    planned = PREPARING_SECONDS + len(cells) * repeats * SECONDS / PROCESSES
    recorded = False
    with long_job(output, lambda: f"The finished cells are in {output}" if recorded else ""), ExitStack() as stack:
        command(output)
        click.echo(
            f"{len(cells)} cells x {repeats} processes, {PROCESSES} at a time: about {duration(planned)}; raw results in {output}"
        )
        server = None
        if any(place.kind == "postgresql" for place in cells):
            server = stack.enter_context(connect_or_start(environ.get("DATABASE_URL")))
        folder = stack.enter_context(temporary_folder())
        runner = InstructionRunner(cells, repeats, folder, server)
        databases = runner.prepare()
        recorder = Recorder(output)
        stack.callback(recorder.close)
        recorder.write(_header(cells, repeats, databases))
        recorded = True
        runner.run(_Progress(recorder, len(cells), repeats * SECONDS / PROCESSES).see)
    run = results.read(output)
    show_counts(summarize(run))
    if broken := [cell for cell in run.cells if cell.problem and not documented(cell.contender)]:
        first = broken[0]
        raise click.ClickException(
            f"{len(broken)} cells failed, the first: {first.contender}, {first.scenario}, {first.database}: {first.problem}"
        )


class _Progress:
    """Records the cells, and says what was found and how long the rest may take."""

    def __init__(self, recorder: Recorder, planned: int, expected: float) -> None:
        """`expected` is how many seconds a cell may take."""
        self._recorder, self._planned, self._expected = recorder, planned, expected
        self._began, self._finished, self._counted = time.monotonic(), 0, 0

    def see(self, cell: InstructionCell) -> None:
        self._recorder.write(cell)
        self._finished += 1
        found = cell.problem or f"{cell.instructions / 1e6:.3f} M instructions a request"
        if not cell.problem:
            self._counted += 1
            apart = spread(cell.counts)
            found += "" if apart is None else f", counts within {apart:.2%}".replace("%", " %")
        each = (time.monotonic() - self._began) / self._counted if self._counted > 1 else self._expected
        left = each * (self._planned - self._finished)
        where = f"{cell.scenario}, {cell.database}, {cell.contender}"
        ahead = f"{self._finished} of {self._planned}, about {duration(left)} left"
        click.echo(f"{where}: {found} ({ahead})", err=True)


def _header(cells: list[Place], repeats: int, databases: dict[str, dict[str, str]]) -> InstructionHeader:
    return InstructionHeader(
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command_line(),
        repeats=repeats,
        books=BOOKS_IN_PROCESS,
        cells=tuple(cells),
        baseline=BASELINE,
        contenders={name: CONTENDERS[name].about for name in dict.fromkeys(place.contender for place in cells)},
        scenarios={name: SCENARIOS[name].title for name in dict.fromkeys(place.scenario for place in cells)},
        databases=databases,
        settings={name: value for name, value in SETTINGS.items() if name != "SECRET_KEY"},
        method=METHOD,
        environment=environment(),
    )
