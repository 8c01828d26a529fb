"""`report`: statistics, Markdown and pictures from raw files alone."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.cli.base import CommandError
from benchmarks.hazards.hazard import REPRODUCTIONS
from benchmarks.raw import ResultsError, hazards, instructions, load, micro, read_lines
from benchmarks.report.document import RESULTS, Runs, build

READERS: dict[str, Any] = {
    "load": load.read,
    "micro": micro.read,
    "instructions": instructions.read,
    "hazards": hazards.read,
}
"""By kind of raw file."""
NAME = "RESULTS.md"


@click.command()
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"Folder of {NAME}.  [default: that of the first FILE; without one, this folder]",
)
@click.option("--check", is_flag=True, help="Write nothing; fail when the report is not what the raw files give.")
def report(files: tuple[Path, ...], output: Path | None, check: bool) -> None:
    """Write the report, RESULTS.md, and its pictures beside it, from raw results alone.

    FILEs are raw results, one of each kind at most; without one, those that are committed: benchmarks/results/*.jsonl, beside
    which the committed report has its pictures.
    """
    chosen = files or committed(Path(RESULTS))
    folder = output or (files[0].parent if files else Path())
    pictures = folder if files or output else Path(RESULTS)
    if not check:
        for path in write(chosen, folder / NAME, pictures):
            click.echo(f"Written: {path}")
        return
    for path, text in _rendered(chosen, folder / NAME, pictures).items():
        if not path.exists() or path.read_text("utf-8") != text:
            command = ["python", "-m", "benchmarks", "report", *map(str, files), *(["--output", str(output)] if output else [])]
            raise click.ClickException(f"{path} is not what the raw results give: {shlex.join(command)}")


def committed(folder: Path) -> list[Path]:
    """The raw files there that a report is made of. Raises `CommandError` where there is none."""
    found = [path for kind in READERS if (path := folder / f"{kind}.jsonl").exists()]
    if not found:
        names = ", ".join(f"{kind}.jsonl" for kind in READERS)
        raise CommandError(f"{folder}: has none of {names}; name the raw files to report")
    return found


def read(path: Path) -> micro.Run:
    """The in-process comparison in a raw file. Raises `CommandError`."""
    try:
        return micro.read(path)
    except ResultsError as error:
        raise CommandError(str(error)) from None


def write(files: Sequence[Path], output: Path, pictures: Path) -> list[Path]:
    """Write the report of the raw `files` to `output`, a Markdown file, and its `pictures` to that folder; what was written.

    Raises `CommandError`.
    """
    rendered = _rendered(files, output, pictures)
    try:
        for path, text in rendered.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    except OSError as error:
        raise CommandError(f"{error.filename}: cannot be written: {error.strerror}") from None
    return list(rendered)


def _rendered(files: Sequence[Path], output: Path, pictures: Path) -> dict[Path, str]:
    """What to write where, the report last."""
    raw: dict[str, Path] = {}
    runs: dict[str, Any] = {}
    for path in files:
        kind, run = _read(path)
        if kind in raw:
            raise CommandError(f"{raw[kind]} and {path} are both of kind {kind!r}: one of each kind makes a report")
        raw[kind], runs[kind] = path, run

    def place(kind: str, name: str) -> Path:
        return pictures / f"{raw[kind].stem}{'-' if name else ''}{name}.svg"

    def relative(path: Path) -> str:
        return Path(os.path.relpath(path, output.parent)).as_posix()

    links = {"reproductions": relative(REPRODUCTIONS), **{kind: relative(path) for kind, path in raw.items()}}
    made = build(Runs(**runs, links=links), lambda kind, name: relative(place(kind, name)) if kind in raw else "")
    return {**{place(kind, name): text for (kind, name), text in made.pictures.items()}, output: made.markdown}


def _read(path: Path) -> tuple[str, Any]:
    try:
        kind = read_lines(path)[0]["kind"]
        if not isinstance(kind, str) or kind not in READERS:
            raise CommandError(f"{path}: is of kind {kind!r}; a report is made of {', '.join(READERS)}")
        return kind, READERS[kind](path)
    except ResultsError as error:
        raise CommandError(str(error)) from None
