"""`hazards`: what breaks on the documented path, and what does not on this project's runtime."""

import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks.cli.base import FILE, command_line, long_job
from benchmarks.cli.base import database as named
from benchmarks.errors import BenchmarkError
from benchmarks.hazards.catalogue import HAZARDS
from benchmarks.hazards.hazard import MODELS, Hazard
from benchmarks.hazards.runner import Task, plan, run
from benchmarks.machinery.environment import environment
from benchmarks.raw import Recorder
from benchmarks.raw import hazards as raw


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--database", help="sqlite, postgresql, or the URL of a PostgreSQL server.  [default: the most telling one of each]"
)
@click.option("--output", type=FILE, default=Path("build/hazards.jsonl"), show_default=True, help="Raw results.")
def hazards(names: tuple[str, ...], database: str | None, output: Path) -> None:
    """Run the hazards, or those of NAME (h2, or its anchor), each side in a process of its own; end in a table.

    PostgreSQL is the server that DATABASE_URL names, or one that is started for the time.
    """
    wanted = chosen(names)
    kind, url = named(database) if database else (None, None)
    tasks = plan(wanted, kind)
    if not tasks:
        raise BenchmarkError(f"{', '.join(names)}: not on {kind}; it shows on {wanted[0].databases[0]}")
    sides: list[raw.Side] = []
    with long_job(output, lambda: f"What was seen is in {output}" if sides else ""):
        _run(tasks, wanted, url or os.environ.get("DATABASE_URL"), output, sides)
    show(wanted, sides)
    click.echo(f"Raw results: {output}")
    if broken := [side for side in sides if side.broken and side.model != "documented"]:
        raise click.ClickException(f"{broken[0].hazard} is broken on {broken[0].model}: {broken[0].outcome}")


def chosen(names: tuple[str, ...]) -> list[Hazard]:
    """Those of these names or anchors, in the order of the catalogue; all where none is given. Raises `BenchmarkError`."""
    known = {name: hazard for hazard in HAZARDS.values() for name in (hazard.name, hazard.anchor)}
    if unknown := [name for name in names if name.lower().lstrip("#") not in known]:
        raise BenchmarkError(f"no hazard {unknown[0]!r}; there are: {', '.join(HAZARDS)}")
    wanted = {known[name.lower().lstrip("#")].name for name in names} or set(HAZARDS)
    return [hazard for hazard in HAZARDS.values() if hazard.name in wanted]


def _run(tasks: list[Task], wanted: list[Hazard], url: str | None, output: Path, sides: list[raw.Side]) -> None:
    started = datetime.now(UTC).isoformat(timespec="seconds")
    with closing(Recorder(output)) as recorder:
        recorder.write(raw.HazardHeader(started, command_line(), [hazard.name for hazard in wanted], environment()))

        def see(side: raw.Side) -> None:
            recorder.write(side)
            sides.append(side)
            mark = "broken" if side.broken else "clean"
            click.echo(f"[{len(sides)}/{len(tasks)}] {side.hazard} {side.model}: {mark}: {side.outcome}", err=True)

        run(tasks, url, see)


def show(wanted: list[Hazard], sides: list[raw.Side]) -> None:
    """The table: a hazard a row, a side a column."""
    console = Console()
    table = Table(show_lines=True, expand=not console.is_terminal and console.width < 100)
    for heading in ("hazard", "documented path", "async-loop", "async-native", "since"):
        table.add_column(heading, overflow="fold")
    found: dict[tuple[str, str], raw.Side] = {(side.hazard, side.model): side for side in sides}
    for hazard in wanted:
        seen = [found.get((hazard.name, str(model))) for model in MODELS]
        cells = [f"{'✗' if side.broken else '✓'} {side.outcome}" if side else "" for side in seen]
        if any(cells):
            table.add_row(f"{hazard.name.upper()} {hazard.title}", *cells, hazard.upstream)
    console.print(table, markup=False)
