"""`explore`: the explorer, one HTML file, from raw files alone."""

import webbrowser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from benchmarks.cli.base import FILE, read_raw, write_text
from benchmarks.cli.report import RESULTS
from benchmarks.errors import BenchmarkError
from benchmarks.report.explorer import explorer, page

KINDS = ("load", "hazards")
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
    found = _read(files)
    runs, seen = (found[kind] or _read([RESULTS / f"{kind}.jsonl"])[kind] for kind in KINDS)
    if len(runs) > RUNS or len(seen) > 1:
        raise BenchmarkError(f"{len(runs)} runs under load and {len(seen)} of the hazards: {RUNS} and 1 can be shown at most")
    write_text(output, page(explorer(runs, seen[0][1])))
    click.echo(f"Written: {output}")
    if opens and not webbrowser.open(output.resolve().as_uri()):
        click.echo("No browser was found to open it in.")


def _read(files: Iterable[Path]) -> dict[str, list[tuple[str, Any]]]:
    """The runs in raw files by kind, with the names of the files."""
    found: dict[str, list[tuple[str, Any]]] = {kind: [] for kind in KINDS}
    for path in files:
        kind, run = read_raw(path, KINDS, f"the explorer shows {' and '.join(KINDS)}")
        found[kind].append((path.as_posix(), run))
    return found
