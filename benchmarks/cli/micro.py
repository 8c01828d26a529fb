"""`micro`: the in-process comparison."""

import time
from pathlib import Path

import click

from benchmarks.cli.base import FILE, Seconds, command_line, duration, long_job, require_reachable, require_writable
from benchmarks.cli.report import write
from benchmarks.in_process.cells import PORTAL, contenders, scenarios
from benchmarks.in_process.micro.plan import Plan
from benchmarks.in_process.micro.recording import run
from benchmarks.machinery.databases import KINDS
from benchmarks.raw import micro as raw
from benchmarks.report.terminal import show_micro
from benchmarks.subjects.contenders import documented

PASSES = 16
SECONDS = 0.06


@click.command()
@click.option(
    "--passes", type=click.IntRange(1, 1000), default=PASSES, show_default=True, help="How often to measure everything."
)
@click.option("--database", type=click.Choice([*KINDS, "both"]), default="both", show_default=True)
@click.option("--contender", "named", type=click.Choice(contenders()), multiple=True, help="And the baseline; may be repeated.")
@click.option("--scenario", "asked", type=click.Choice([PORTAL, *scenarios()]), multiple=True, help="May be repeated.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the order of the contenders.")
@click.option("--seconds", type=Seconds(0.01, 60), default=SECONDS, show_default=True, help="For one trial.")
@click.option("--output", type=FILE, default=Path("build/micro.jsonl"), show_default=True, help="Raw results.")
@click.option("--report", type=FILE, help="Markdown to write.  [default: beside the output]")
def micro(
    passes: int,
    database: str,
    named: tuple[str, ...],
    asked: tuple[str, ...],
    seed: int,
    seconds: float,
    output: Path,
    report: Path | None,
) -> None:
    """Compare in process, one caller at a time, and end in a table of verdicts.

    PostgreSQL is the server that DATABASE_URL names, or one that is started for the time. What is measured is the suite of
    `pytest benchmarks/`, in passes whose contenders are shuffled, each test a trial.
    """
    databases = KINDS if database == "both" else (database,)
    plan = Plan(passes, databases, asked, named, seed, seconds, output, command_line())
    require_writable(output)
    if any(cell.kind == "postgresql" for cell in plan.cells):
        require_reachable(None)
    click.echo(
        f"{len(plan.cells)} cells ({len(plan.groups)} groups, each with its contenders) x {passes} passes x {seconds:g} s:"
        f" about {duration(plan.duration)}; raw results in {output}"
    )

    began = time.time()

    def finished() -> str:
        is_ours = output.exists() and output.stat().st_mtime >= began
        trials = output.read_text("utf-8").count('"line": "trial"') if is_ours else 0
        return f"{trials} finished trials are in {output}: python -m benchmarks report {output}" if trials else ""

    with long_job(output, finished):
        run(plan, lambda text: click.echo(text, err=True))
    recorded = raw.read(output)
    show_micro(recorded)
    report = report or output.with_suffix(".md")
    write([output], report)
    click.echo(f"Report: {report}")
    if broken := [check for check in recorded.checks if check.problem and not documented(check.contender)]:
        first = broken[0]
        raise click.ClickException(
            f"{len(broken)} checks failed, the first: {first.contender}, {first.scenario}: {first.problem}"
        )
