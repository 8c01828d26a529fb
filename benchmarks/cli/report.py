"""`report`: statistics, Markdown and pictures from raw files alone."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.cli.base import read_raw, write_text
from benchmarks.errors import BenchmarkError
from benchmarks.hazards.hazard import REPRODUCTIONS
from benchmarks.raw import proof
from benchmarks.report.claims import Claim, hold
from benchmarks.report.model import Runs
from benchmarks.report.model import report as tree
from benchmarks.report.pages import Links, render

KINDS = ("load", "micro", "instructions", "hazards")
"""Of raw files that a report is made of."""
RESULTS, PROOF = Path("benchmarks/results"), "proof.jsonl"
NAME, README, PAGES = "RESULTS.md", "README.md", "docs/results"
BEGIN, END = "<!-- answers: written by python -m benchmarks report -->", "<!-- end of answers -->"
"""Between these the README has the answer table."""


@click.command()
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"Folder of {NAME}.  [default: that of the first FILE; without one, this folder]",
)
@click.option("--check", is_flag=True, help="Write nothing; fail when the report is not what the raw files give.")
def report(files: tuple[Path, ...], output: Path | None, check: bool) -> None:
    """Write the report, RESULTS.md, with its pages and pictures, from raw results alone.

    Without FILEs it is the published one, of benchmarks/results/*.jsonl, and fails where its sentences say what those
    contradict. FILEs are raw results of a run of your own, one of each kind at most: their report says which of the published
    conclusions they confirm.
    """
    chosen = files or committed(RESULTS)
    folder = output or (files[0].parent if files else Path())
    pages = folder / ("results" if files else PAGES)
    texts, complaints = _rendered(chosen, folder / NAME, pages, published=not files)
    for path, text in texts.items():
        if not check:
            write_text(path, text)
            click.echo(f"Written: {path}")
        elif not path.exists() or path.read_text("utf-8") != text:
            given = [*map(str, files), *(["--output", str(output)] if output else [])]
            command = shlex.join(["python", "-m", "benchmarks", "report", *given])
            raise click.ClickException(f"{path} is not what the raw results give: {command}")
    if complaints:
        raise click.ClickException("\n".join(("the raw files do not bear out:", *complaints)))


def committed(folder: Path) -> list[Path]:
    """The raw files there that a report is made of. Raises `BenchmarkError` where there is none."""
    found = [path for kind in KINDS if (path := folder / f"{kind}.jsonl").exists()]
    if not found:
        names = ", ".join(f"{kind}.jsonl" for kind in KINDS)
        raise BenchmarkError(f"{folder}: has none of {names}; name the raw files to report")
    return found


def write(files: Sequence[Path], first: Path) -> None:
    """Write the report of a run of one's own to `first`, a Markdown file, with its pages in `results` beside.

    Raises `BenchmarkError`.
    """
    for path, text in _rendered(files, first, first.parent / "results", published=False)[0].items():
        write_text(path, text)


def _rendered(files: Sequence[Path], first: Path, pages: Path, *, published: bool) -> tuple[dict[Path, str], list[str]]:
    """What to write where, the first page last, and what the published sentences say that the run does not bear out."""
    raw: dict[str, Path] = {}
    runs: dict[str, Any] = {}
    for path in files:
        kind, run = _read(path)
        if kind in raw:
            raise BenchmarkError(f"{raw[kind]} and {path} are both of kind {kind!r}: one of each kind makes a report")
        raw[kind], runs[kind] = path, run
    proved = proof.read(RESULTS / PROOF).rows if published and (RESULTS / PROOF).exists() else ()
    claims = _published() if not published and "load" in runs else ()
    found = tree(Runs(**runs, proof=proved), claims)
    made = render(found, _links(first, pages, raw), published=published)
    texts = {pages / f"{name}.svg": draw() for name, draw in made.pictures.items()}
    texts |= {pages / f"{name}.md": text for name, text in made.pages.items()}
    readme = first.with_name(README)
    if published and readme.exists() and BEGIN in (text := readme.read_text("utf-8")):
        before, _, rest = text.partition(BEGIN)
        texts[readme] = f"{before}{BEGIN}\n\n{made.answers}\n\n{END}{rest.partition(END)[2]}"
    held = (hold(claim, made.claims.found) for claim in made.claims.claims if published)
    complaints = dict.fromkeys(filter(None, (one.complaint for one in held)))
    return {**texts, first: made.first}, list(complaints)


def _published() -> tuple[Claim, ...]:
    """The conclusions of the published report; none where its raw files are not here."""
    try:
        found = tree(Runs(**{kind: run for path in committed(RESULTS) for kind, run in [_read(path)]}))
    except BenchmarkError:
        return ()
    claims = render(found, Links("", {}, ""), published=True, only_first=True).claims.claims
    return tuple({one.says: one for one in claims}.values())


def _links(first: Path, pages: Path, raw: dict[str, Path]) -> Links:
    def relative(path: Path, start: Path) -> str:
        return Path(os.path.relpath(path, start)).as_posix()

    links = {kind: relative(path, pages) for kind, path in raw.items()}
    return Links(f"{relative(pages, first.parent)}/", links, relative(REPRODUCTIONS, pages))


def _read(path: Path) -> tuple[str, Any]:
    return read_raw(path, KINDS, f"a report is made of {', '.join(KINDS)}")
