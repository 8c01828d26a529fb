"""How far a load run is: a live view on a terminal, a line for each trial elsewhere."""

from __future__ import annotations

import statistics
import time
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.profiles import TRIAL_OVERHEAD
from benchmarks.raw.load import Ceiling, Check, Crosscheck, Failure, Rate, Run, Trial, cpu_ratio
from benchmarks.trials.runner import Plan, remaining
from benchmarks.trials.trial import Turn


class LoadProgress:
    """Told of each turn before it begins, and of each record, by `see`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(20), TextColumn("{task.fields[left]}"), TimeElapsedColumn())
        self.bar = Progress(*columns, console=self.console, transient=True)
        self.task = self.bar.add_task("seeding databases", total=None, left="")
        self.found: Run | None = None
        self.done = 0
        self.began = time.monotonic()

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.bar.start()
        else:
            click.echo("seeding databases", err=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self.bar.stop()

    def see(self, record: Turn | Run | Check | Failure | Rate | Trial | Ceiling | Crosscheck) -> None:
        """Take note of it."""
        if isinstance(record, Run):
            self.found = record
            self._describe("checking answers")
        elif isinstance(record, Turn):
            if not self.done:
                self.began = time.monotonic()
            self._describe(f"round {record.round}: {_where(record)} {record.contender.name}", self._left(record))
        elif isinstance(record, Trial):
            self._trial(record)
        elif text := _words(record):
            self._say(text)

    def _trial(self, trial: Trial) -> None:
        self.done += 1
        errors = f", {sum(trial.errors.values())} errors" if trial.errors else ""
        self._say(
            f"round {trial.round}, {trial.database} {trial.scenario} {trial.load}, {trial.contender}: "
            f"{trial.throughput:,.0f}/s, {trial.cpu_per_request * 1e6:,.0f} us CPU{self._ratio(trial)}{errors}"
        )

    def _ratio(self, trial: Trial) -> str:
        """The CPU time of the contender relative to the baseline's so far: geometric mean over the rounds."""
        assert self.found
        where = (trial.database, trial.scenario, trial.load)
        base = {
            one.round: one
            for one in self.found.trials
            if (one.database, one.scenario, one.load, one.contender) == (*where, self.found.header.baseline)
        }
        ratios = [
            cpu_ratio(one, base[one.round])
            for one in self.found.trials
            if (one.database, one.scenario, one.load, one.contender) == (*where, trial.contender) and one.round in base
        ]
        if trial.contender == self.found.header.baseline or not ratios:
            return ""
        return f" ({statistics.geometric_mean(ratios):.2f} of {self.found.header.baseline})"

    def _left(self, turn: Turn) -> float:
        """Seconds, by what the plan says and by how much longer than that it has taken so far."""
        assert self.found
        planned = sum(_seconds(one) for one in remaining(self.plan, self.found))
        elapsed = time.monotonic() - self.began
        spent = sum(one.seconds + turn.warmup + TRIAL_OVERHEAD for one in self.found.trials[len(self.found.trials) - self.done :])
        return planned * (elapsed / spent if self.done > 2 else 1.0)

    def _describe(self, what: str, left: float | None = None) -> None:
        assert self.found
        total = self.done + len(remaining(self.plan, self.found)) if left is not None else None
        text = f"about {left / 60:.0f} min left" if left and left > 100 else f"about {left:.0f} s left" if left else ""
        self.bar.update(self.task, description=what, total=total, completed=self.done, left=text)
        if not self.console.is_terminal and (left is None or self.done % 20 == 0):
            click.echo(f"{what}{', ' + text if text else ''}", err=True)

    def _say(self, text: str) -> None:
        if self.console.is_terminal:
            self.console.print(text, markup=False, highlight=False)
        else:
            click.echo(text, err=True)


def _seconds(turn: Turn) -> float:
    return turn.cell.seconds + turn.warmup + TRIAL_OVERHEAD


def _where(turn: Turn) -> str:
    return f"{turn.cell.database} {turn.cell.scenario} {turn.cell.load.name}"


def _words(record: Check | Failure | Rate | Ceiling | Crosscheck) -> str | None:
    match record:
        case Check():
            return f"{record.contender} fails: {record.scenario}, {record.database}: {record.problem}" if record.problem else None
        case Failure():
            return f"{record.contender} fails: {record.scenario}, {record.database}, {record.load}: {record.problem}"
        case Rate():
            capacity = f"{record.capacity:,.0f} requests/s, the capacity of {record.slowest}"
            return f"open loops of {record.scenario} on {record.database} are percentages of {capacity}"
        case Ceiling():
            cost = f"{record.cpu_per_request * 1e6:.1f} us CPU each"
            return f"the generator on a server that does nothing: {record.throughput:,.0f} requests/s, {cost}"
        case Crosscheck():
            ratio = statistics.geometric_mean(ours / wrk for ours, wrk in zip(record.generator, record.wrk, strict=True))
            return f"capacity of {record.contender} on {record.database}: {ratio:.2f} of what wrk sees"
