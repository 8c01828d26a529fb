"""`list`: what there is to compare."""

from collections.abc import Iterable

import click

from benchmarks.cli.base import duration
from benchmarks.in_process.cells import PORTAL, contenders, scenarios
from benchmarks.subjects.contenders import CONTENDERS, left_out
from benchmarks.subjects.portals import PORTALS
from benchmarks.subjects.profiles import PROFILES, cells
from benchmarks.subjects.profiles import duration as planned
from benchmarks.subjects.questions import QUESTIONS, Question
from benchmarks.subjects.scenarios import SCENARIOS


@click.command("list")
def list_() -> None:
    """List contenders, scenarios, questions and profiles."""
    _show("Contenders (run, serve)", ((one.name, f"{one.about}; {one.concurrency}") for one in CONTENDERS.values()))
    for line in left_out():
        click.echo(line)
    _show("Scenarios (run)", ((one.name, one.title) for one in SCENARIOS.values()))
    _show("Questions (run)", ((one.name, f"{one.asks}: {_decides(one)}") for one in QUESTIONS.values()))
    _show("Profiles (run)", ((one.name, _profile(name)) for name, one in PROFILES.items()))
    _show("Contenders in process (micro, instructions)", ((name, CONTENDERS[name].about) for name in contenders()))
    batches = ((name, f"{SCENARIOS[name].title} (batches of {SCENARIOS[name].batch})") for name in scenarios())
    _show("Scenarios in process (micro, instructions)", batches)
    _show(f"Ways to call a coroutine (micro, scenario {PORTAL})", ((one.name, one.about) for one in PORTALS.values()))


def _decides(question: Question) -> str:
    where = f"{question.scenario}, {question.load.name}, by {question.quantity}"
    return f"{question.contender} against {question.against}, {where}"


def _profile(name: str) -> str:
    profile = PROFILES[name]
    chosen = cells(profile)
    trials = sum(cell.rounds * len(cell.contenders) for cell in chosen)
    most = duration(planned(chosen, profile.warmup))
    return f"{profile.about}: {len(chosen)} comparisons, {trials} trials, {most} if nothing fails"


def _show(title: str, entries: Iterable[tuple[str, str]]) -> None:
    click.echo(f"{title}:")
    for name, text in entries:
        click.echo(f"  {name:<26} {text}")
