"""How far a load run is: a live view on a terminal, a line for each trial elsewhere."""

import statistics
import time
from math import inf
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.analysis.cells import uncalibrated
from benchmarks.raw.load import Ceiling, Crosscheck, Failure, LoadCheck, LoadRun, LoadTrial, Rate
from benchmarks.subjects.questions import Question
from benchmarks.under_load.effort import sitting_seconds
from benchmarks.under_load.runner import RunPlan, remaining
from benchmarks.under_load.trial import Round


class LoadProgress:
    """Told of each round before it begins, and of each record, by `see`."""

    def __init__(self, plan: RunPlan) -> None:
        self.plan = plan
        self.console = Console(stderr=True, emoji=False)
        columns = (TextColumn("{task.description}"), BarColumn(20), TextColumn("{task.fields[left]}"), TimeElapsedColumn())
        self.bar = Progress(*columns, console=self.console, transient=True)
        self.task = self.bar.add_task("seeding databases", total=None, left="")
        self.found: LoadRun | None = None
        self.turn: Round | None = None
        self.done = 0
        self.started = self.began = time.monotonic()
        """Of the run, and of its first round."""
        self.planned = 0.0
        """Seconds that the rounds that are done should have taken, and the one at work."""

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.bar.start()
        self._describe("seeding databases")
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self.bar.stop()

    def see(self, record: Round | LoadRun | LoadCheck | Failure | Rate | LoadTrial | Ceiling | Crosscheck) -> None:
        """Take note of it."""
        if isinstance(record, LoadRun):
            self.found = record
            self._describe("checking answers")
        elif isinstance(record, Round):
            self._round(record)
        elif isinstance(record, LoadTrial):
            self._trial(record)
        elif text := _words(record):
            self._say(text)

    def _round(self, turn: Round) -> None:
        assert self.found
        if not self.done:
            self.began = time.monotonic()
        sittings = remaining(self.plan, self.found)
        how, left = self._left(sum(map(sitting_seconds, sittings)))
        cell, self.turn = turn.cell, turn
        text = f"{how} {left / 60:.0f} min left" if left > 100 else f"{how} {left:.0f} s left"
        what = f"round {turn.number}: {cell.database} {cell.scenario} {cell.load.name}"
        self.bar.update(self.task, description=what, total=self.done + sum(map(len, sittings)), completed=self.done, left=text)
        self._say(f"{what}, {text}")
        self.done += 1
        self.planned += sitting_seconds([turn])

    def _left(self, planned: float) -> tuple[str, float]:
        """Seconds, of a run with a budget at most so many: what the plan leaves of it goes to questions."""
        if (budget := self.plan.profile.budget) < inf:
            return "at most", max(0.0, budget - (time.monotonic() - self.started))
        if self.done > 2:  # by how much longer than planned it has taken so far
            planned *= (time.monotonic() - self.began) / self.planned
        return "about", planned

    def _trial(self, trial: LoadTrial) -> None:
        errors = f", {sum(trial.errors.values())} errors" if trial.errors else ""
        cost = f"{trial.cpu_per_request * 1e6:,.0f} us CPU{self._ratio(trial)}"
        self._say(f"  {trial.contender}: {trial.throughput:,.0f}/s, {cost}{errors}")

    def _ratio(self, trial: LoadTrial) -> str:
        """The CPU time of the contender so far, relative to the baseline's, or to whose a question asks if that is not there."""
        assert self.found
        where = (trial.database, trial.scenario, trial.load)
        here = next(c for c in uncalibrated(self.found) if (c.cell.database, c.cell.scenario, c.cell.load.name) == where)
        against = self._against(here.baseline, trial)
        estimate = here.estimate(trial.contender, "cpu", () if against == here.baseline else (against,))
        if estimate is None:
            return ""
        reach = f" +-{100 * estimate.half_width:.1f} %" if estimate.restarts > 1 else ""
        return f" ({estimate.ratio:.2f}{reach} of {against})"

    def _against(self, baseline: str, trial: LoadTrial) -> str:
        taking_part = {one.name for one in self.turn.contenders} if self.turn else {baseline}

        def asks(question: Question) -> bool:
            place = (trial.database, trial.scenario, trial.load, trial.contender)
            return (*question.where, question.contender) == place and question.against in taking_part

        if baseline in taking_part:
            return baseline
        return next((one.against for one in self.plan.profile.asked if asks(one)), baseline)

    def _describe(self, what: str) -> None:
        self.bar.update(self.task, description=what)
        if not self.console.is_terminal:
            self._say(what)

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _words(record: LoadCheck | Failure | Rate | Ceiling | Crosscheck) -> str | None:
    match record:
        case LoadCheck():
            return f"{record.contender} fails: {record.scenario}, {record.database}: {record.problem}" if record.problem else None
        case Failure():
            return f"{record.contender} fails: {record.scenario}, {record.database}, {record.load}: {record.problem}"
        case Rate():
            capacity = f"{record.capacity:,.0f} requests/s, the capacity of {record.slowest}"
            return f"open loops of {record.scenario} on {record.database} are percentages of {capacity}"
        case Ceiling():
            cost = f"{record.cpu_per_request * 1e6:.1f} us CPU each"
            return f"the generator on a server that does nothing: {record.throughput:,.0f} requests/s, {cost}"
        case Crosscheck(wrk=[]):
            return f"capacity of {record.contender} on {record.database}: too slow to compare with wrk"
        case Crosscheck():
            ratio = statistics.geometric_mean(ours / wrk for ours, wrk in zip(record.generator, record.wrk, strict=True))
            return f"capacity of {record.contender} on {record.database}: {ratio:.2f} of what wrk sees"
