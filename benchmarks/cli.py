"""The command line: run comparisons, and write reports from what they recorded."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

import click

from benchmarks import results, verdicts
from benchmarks.contenders import CONTENDERS, PORTALS
from benchmarks.data import KINDS
from benchmarks.forest import draw
from benchmarks.micro.runner import Plan, RunError, run
from benchmarks.postgres import PostgresError
from benchmarks.progress import Progress
from benchmarks.report import render
from benchmarks.results import ResultsError
from benchmarks.scenarios import SCENARIOS
from benchmarks.summary import summarize

PASSES = 16
SECONDS = 0.06
INTERRUPTED = 130
FILE = click.Path(dir_okay=False, path_type=Path)


class CommandError(click.ClickException):
    """Wrong input, or something that is not there: one line, exit status 2."""

    exit_code = 2


def main() -> None:
    """Run the command; every error is one line on standard error."""
    try:
        sys.exit(cli.main(standalone_mode=False, prog_name="python -m benchmarks"))
    except click.ClickException as error:
        click.echo(f"Error: {error.format_message()}", err=True)
        sys.exit(error.exit_code)


@click.group(invoke_without_command=True)
@click.pass_context
def cli(context: click.Context) -> None:
    """Compare the sync and the async app."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command()
@click.option(
    "--passes", type=click.IntRange(1, 1000), default=PASSES, show_default=True, help="How often to measure everything."
)
@click.option("--database", type=click.Choice([*KINDS, "both"]), default="both", show_default=True)
@click.option("--group", "scenarios", type=click.Choice(list(SCENARIOS)), multiple=True, help="Only this; may be repeated.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the order of the contenders.")
@click.option("--seconds", type=click.FloatRange(0.01, 60), default=SECONDS, show_default=True, help="For one trial.")
@click.option("--output", type=FILE, default=Path("build/micro.jsonl"), show_default=True, help="Raw results.")
@click.option("--report", type=FILE, help="Markdown to write.  [default: beside the output]")
def micro(
    passes: int, database: str, scenarios: tuple[str, ...], seed: int, seconds: float, output: Path, report: Path | None
) -> None:
    """Compare in process, one caller at a time, and end in a table of verdicts.

    PostgreSQL is the server that DATABASE_URL names, or one that is started for the time.
    """
    databases = KINDS if database == "both" else (database,)
    command = shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
    plan = Plan(passes, databases, scenarios, seed, seconds, output, command)
    click.echo(
        f"{plan.cells} cells ({len(plan.groups)} groups, each with its contenders) x {passes} passes x {seconds:g} s:"
        f" about {_duration(plan.duration)}; raw results in {output}"
    )
    former = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with Progress(plan.measuring) as progress:
            run(plan, progress.see)
    except (PostgresError, RunError) as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from None
    except KeyboardInterrupt:
        trials = output.read_text("utf-8").count('"line": "trial"') if output.exists() else 0
        hint = f": python -m benchmarks report {output} --output {output.with_suffix('.md')}" if trials else ""
        click.echo(f"\nInterrupted. {trials} finished trials are in {output}{hint}", err=True)
        sys.exit(INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, former)
    recorded = _read(output)
    verdicts.show(recorded)
    report = report or output.with_suffix(".md")
    _write(recorded, output, report)
    click.echo(f"Report: {report}")
    if broken := [check for check in recorded.checks if check.problem and check.contender != "documented"]:
        first = broken[0]
        raise click.ClickException(
            f"{len(broken)} checks failed, the first: {first.contender}, {first.scenario}: {first.problem}"
        )


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--output", type=FILE, default=Path("RESULTS.md"), show_default=True)
@click.option("--check", is_flag=True, help="Write nothing; fail when the report is not what FILE gives.")
def report(file: Path, output: Path, check: bool) -> None:
    """Write the report, and the picture beside FILE, from the raw results in FILE alone."""
    recorded = _read(file)
    if not check:
        _write(recorded, file, output)
        return
    for path, text in _rendered(recorded, file, output).items():
        if not path.exists() or path.read_text("utf-8") != text:
            raise click.ClickException(f"{path} is not what {file} gives: python -m benchmarks report {file} --output {output}")


@cli.command("list")
def list_() -> None:
    """List contenders and groups."""
    portals: list[Any] = [*CONTENDERS.values(), *PORTALS.values()]
    click.echo("Contenders:")
    for contender in portals:
        click.echo(f"  {contender.name:<16} {contender.about}")
    click.echo("Groups:")
    for scenario in SCENARIOS.values():
        click.echo(f"  {scenario.name:<16} {scenario.title} (batches of {scenario.batch})")


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _read(path: Path) -> results.Run:
    try:
        return results.read(path)
    except ResultsError as error:
        raise CommandError(str(error)) from None


def _write(run: results.Run, raw: Path, output: Path) -> None:
    for path, text in _rendered(run, raw, output).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def _rendered(run: results.Run, raw: Path, output: Path) -> dict[Path, str]:
    """What to write where."""
    picture = raw.with_suffix(".svg")
    raw_link, picture_link = (Path(os.path.relpath(path, output.parent)).as_posix() for path in (raw, picture))
    return {output: render(run, raw=raw_link, picture=picture_link), picture: draw(summarize(run))}
