"""`run`: the load benchmark on real servers."""

from dataclasses import replace
from itertools import count
from math import inf
from pathlib import Path

import click

from benchmarks.analysis.answers import answers
from benchmarks.analysis.cells import results
from benchmarks.cli.base import FILE, Seconds, command_line, database, duration, long_job, require_reachable, require_writable
from benchmarks.errors import BenchmarkError
from benchmarks.machinery.environment import environment
from benchmarks.machinery.placement import choose
from benchmarks.raw import ResultsError, load
from benchmarks.report.numbers import plural
from benchmarks.report.terminal import show_answers, show_load
from benchmarks.subjects.contenders import CONTENDERS, left_out
from benchmarks.subjects.profiles import BOTH, PROFILES, cells
from benchmarks.subjects.scenarios import BOOKS, SCENARIOS
from benchmarks.under_load.effort import sitting_seconds
from benchmarks.under_load.progress import LoadProgress
from benchmarks.under_load.runner import RunPlan, remaining, run

SLOW = "slow"
"""All scenarios whose query waits, by one name."""
SLOW_SCENARIOS = [name for name, one in SCENARIOS.items() if one.delay and one.usual]
SCENARIO_NAMES = [*SCENARIOS, SLOW]


@click.command("run")
@click.option("--profile", type=click.Choice(list(PROFILES)), default="quick", show_default=True)
@click.option("--database", "chosen", multiple=True, metavar="sqlite|postgresql|URL", help="May be repeated.  [default: both]")
@click.option("--contender", "contenders", type=click.Choice(list(CONTENDERS)), multiple=True, help="And the baseline.")
@click.option("--scenario", "scenarios", type=click.Choice(SCENARIO_NAMES), multiple=True, help="May be repeated.")
@click.option("--rounds", type=click.IntRange(1, 1000), help="Of every comparison.")
@click.option("--seconds", type=Seconds(0.2, 600), help="Of every trial, after its warm-up.")
@click.option("--books", type=click.IntRange(1000, 1_000_000), default=BOOKS, show_default=True, help="In each database.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the order of the contenders, and of the requests.")
@click.option("--output", type=FILE, default=Path("build/load.jsonl"), show_default=True, help="Raw results.")
@click.option("--resume", is_flag=True, help="Go on with the run in OUTPUT.")
def run_(
    profile: str,
    chosen: tuple[str, ...],
    contenders: tuple[str, ...],
    scenarios: tuple[str, ...],
    rounds: int | None,
    seconds: float | None,
    books: int,
    seed: int,
    output: Path,
    resume: bool,
) -> None:
    """Put load on real servers, and end in a table of verdicts.

    PostgreSQL is the server that a URL or DATABASE_URL names, or one that is started for the time.
    """
    named = [database(name) for name in chosen]
    kinds = tuple(dict.fromkeys(kind for kind, _ in named)) or BOTH
    url, *more = dict.fromkeys(url for _, url in named if url) or [None]
    if more:
        raise BenchmarkError(f"--database names {1 + len(more)} servers: a run is on one")
    wanted = [name for one in scenarios for name in (SLOW_SCENARIOS if one == SLOW else [one])]
    comparisons = cells(PROFILES[profile], kinds, contenders, wanted, rounds, seconds)
    if not comparisons:
        raise BenchmarkError("nothing to run: the scenarios named do not run on the databases named")
    if any(cell.database == "postgresql" for cell in comparisons):
        require_reachable(url)
    chosen_profile = PROFILES[profile] if rounds is seconds is None else replace(PROFILES[profile], budget=inf)
    plan = RunPlan(chosen_profile, comparisons, books, seed, output, command_line(), url, _former(output) if resume else None)
    require_writable(output)
    if plan.former:
        _require_same(plan, plan.former)
    else:
        _keep(output)
    sittings = remaining(plan, plan.former) if plan.former else plan.sittings
    left = [turn for rounds in sittings for turn in rounds]
    trials = sum(len(one.contenders) for one in left)
    planned = plan.profile.budget if plan.profile.budget < inf else sum(map(sitting_seconds, sittings))
    click.echo(
        f"profile {profile}: {plural(len(comparisons), 'comparison')},"
        f" {plural(len(left), 'round')} of {trials} trials{' left' if resume else ''};"
        f" about {duration(planned)}; raw results in {output}"
    )
    for line in left_out():
        click.echo(line)
    progress = LoadProgress(plan)

    def finished() -> str:
        if progress.found:
            show_answers(answers(results(progress.found)))
        there = progress.found or resume
        return f"What is finished is in {output}; go on with the same command and --resume" if there else ""

    with long_job(output, finished), progress:
        found = run(plan, progress.see)
    if profile != "quick":
        show_load(found)
    show_answers(answers(results(found)))
    click.echo(f"Raw results: {output}")


def _former(output: Path) -> load.LoadRun:
    try:
        return load.read(output)
    except ResultsError as error:
        raise BenchmarkError(f"nothing to resume: {error}") from None


def _require_same(plan: RunPlan, former: load.LoadRun) -> None:
    """Refuse to go on with a run whose trials these would not compare with. The database may be another server's."""
    header, names = former.header, {name for cell in plan.cells for name in cell.contenders}
    here, on = environment(), choose().facts(database_here=True)
    same = {
        "cells": header.cells == tuple(plan.cells),
        "seed": header.seed == plan.seed,
        "books": header.books == plan.books,
        "profile": header.profile == plan.profile.name,
        "warmup": header.warmup == plan.profile.warmup,
        "contenders": header.contenders == {name: CONTENDERS[name].facts() for name in names},
        "placement": all(header.placement.get(name) == on[name] for name in ("server", "generator")),
        **{name: header.environment.get(name) == here[name] for name in ("python", "packages", "cpu", "commit")},
    }
    if other := ", ".join(name for name, is_same in same.items() if not is_same):
        raise BenchmarkError(f"{plan.output} is of another plan, code or machine (other {other}): {header.command}")


def _keep(output: Path) -> None:
    """Do not lose the finished trials of a run that did not come to its end: they get a file of their own."""
    try:
        former = load.read(output)
    except ResultsError:
        return
    if 0 < former.done < former.planned:
        names = (output.with_suffix(f".interrupted-{number}.jsonl") for number in count(1))
        kept = next(path for path in names if not path.exists())
        output.replace(kept)
        click.echo(f"{output} was of an interrupted run: it is now {kept}")
