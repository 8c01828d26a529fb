"""`explore`: the explorer, one HTML file, from raw files alone."""

import webbrowser
from collections.abc import Iterable
from pathlib import Path

import click

from benchmarks.cli.base import FILE, CommandError, write_text
from benchmarks.cli.report import RESULTS
from benchmarks.raw import ResultsError, hazards, load, read_lines
from benchmarks.report.explorer import explorer, page

RUNS = 2
"""Side by side, at most."""


@click.command()
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--output", type=FILE, default=Path("build/explorer.html"), show_default=True, help="The HTML file.")
@click.option("--open/--no-open", "opens", default=True, help="Open it in a browser.  [default: open]")
def explore(files: tuple[Path, ...], output: Path, opens: bool) -> None:
    """Write the explorer, an HTML file that needs no network, and open it: any contender over any other, latency, hazards.

    FILEs are raw results of `run`, one or two to see side by side, and of `hazards`; of what none is named, the committed one.
    """
    runs, seen = _read(files)
    runs = runs or _read([RESULTS / "load.jsonl"])[0]
    seen = seen or _read([RESULTS / "hazards.jsonl"])[1]
    if len(runs) > RUNS or len(seen) > 1:
        raise CommandError(f"{len(runs)} runs under load and {len(seen)} of the hazards: {RUNS} and 1 can be shown at most")
    text = page(explorer(runs, seen[0] if seen else None))
    write_text(output, text)
    click.echo(f"Written: {output}")
    if opens and not webbrowser.open(output.resolve().as_uri()):
        click.echo("No browser was found to open it in.")


def _read(files: Iterable[Path]) -> tuple[list[tuple[str, load.LoadRun]], list[hazards.HazardRun]]:
    """Runs under load with the names of their files, and runs of the hazards. Raises `CommandError`."""
    runs, seen = [], []
    try:
        for path in files:
            kind = read_lines(path)[0]["kind"]
            if kind == "load":
                runs.append((path.as_posix(), load.read(path)))
            elif kind == "hazards":
                seen.append(hazards.read(path))
            else:
                raise CommandError(f"{path}: is of kind {kind!r}; the explorer shows load and hazards")
    except ResultsError as error:
        raise CommandError(str(error)) from None
    return runs, seen
