"""`report`: statistics, Markdown and pictures from raw files alone."""

from __future__ import annotations

import os
from pathlib import Path

import click

from benchmarks.cli.base import FILE, CommandError
from benchmarks.raw import ResultsError
from benchmarks.raw import micro as results
from benchmarks.report.forest import draw
from benchmarks.report.render import render
from benchmarks.report.summary import summarize


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--output", type=FILE, default=Path("RESULTS.md"), show_default=True)
@click.option("--check", is_flag=True, help="Write nothing; fail when the report is not what FILE gives.")
def report(file: Path, output: Path, check: bool) -> None:
    """Write the report, and the picture beside FILE, from the raw results in FILE alone."""
    recorded = read(file)
    if not check:
        write(recorded, file, output)
        return
    for path, text in _rendered(recorded, file, output).items():
        if not path.exists() or path.read_text("utf-8") != text:
            raise click.ClickException(f"{path} is not what {file} gives: python -m benchmarks report {file} --output {output}")


def read(path: Path) -> results.Run:
    try:
        return results.read(path)
    except ResultsError as error:
        raise CommandError(str(error)) from None


def write(run: results.Run, raw: Path, output: Path) -> None:
    for path, text in _rendered(run, raw, output).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def _rendered(run: results.Run, raw: Path, output: Path) -> dict[Path, str]:
    """What to write where."""
    picture = raw.with_suffix(".svg")
    raw_link, picture_link = (Path(os.path.relpath(path, output.parent)).as_posix() for path in (raw, picture))
    return {output: render(run, raw=raw_link, picture=picture_link), picture: draw(summarize(run))}
