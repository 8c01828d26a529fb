"""From cells to answers: one for each question that a run has measured."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.analysis.cells import CellResult, lower_is_better
from benchmarks.analysis.estimate import Estimate
from benchmarks.analysis.verdict import NARROW, Verdict, judge
from benchmarks.raw.problem import Problem
from benchmarks.subjects.contenders import BASELINE
from benchmarks.subjects.questions import QUESTIONS, Found, Question

PRECISION = 0.2
"""Of an effect: 2.5 times the CPU is known well enough to within a fifth of its logarithm, 2.1 to 3.0."""
FOUND: Mapping[str, Found] = {"better": "gains", "same": "same", "worse": "loses"}


@dataclass(frozen=True)
class Answer:
    """What is known of a question. Where one of the two fails, and before two rounds, there is no estimate."""

    question: Question
    cell: CellResult
    estimate: Estimate | None = None
    verdict: Verdict | None = None

    @property
    def problem(self) -> Problem | None:
        """Why the contender fails, if it does."""
        return self.cell.problems.get(self.question.contender)

    @property
    def decided(self) -> bool:
        """Whether it is answered."""
        return self.problem is not None or self.verdict not in (None, Verdict.UNDECIDED)

    @property
    def sentence(self) -> str:
        """In plain words."""
        if self.problem is not None:
            return self.question.sentence("fails")
        found = self.question.sentence(FOUND.get(self.verdict.broadly) if self.verdict else None)
        return found.format(times=f"{self.estimate.ratio:.2f}") if self.estimate else found

    @property
    def excess(self) -> float:
        """How many times as wide its interval is as it has to be: 1 and less is narrow enough, infinite before two rounds.

        It has to be within +-2.5 %, or within a fifth of the effect, if that is more. The rule looks at widths: that an interval
        leaves out 1 is no reason to stop.
        """
        if self.estimate is None:
            return 0.0 if any(name in self.cell.problems for name in self.question.contenders) else math.inf
        wanted = max(NARROW, PRECISION * abs(math.log(self.estimate.ratio)))
        return self.estimate.half_width / wanted


def answers(cells: Sequence[CellResult], questions: Sequence[Question] = ()) -> list[Answer]:
    """To the questions, or all there are, whose cell, contender and opponent the run has."""
    found = ((question, _cell(cells, question)) for question in questions or QUESTIONS.values())
    return [_answer(question, cell) for question, cell in found if cell]


def _cell(cells: Sequence[CellResult], question: Question) -> CellResult | None:
    here = (one for one in cells if (one.cell.database, one.cell.scenario, one.cell.load.name) == question.where)
    return next((one for one in here if {*question.contenders} <= {*one.cell.contenders}), None)


def _answer(question: Question, cell: CellResult) -> Answer:
    references = () if question.against == BASELINE else (question.against,)
    estimate = cell.estimate(question.contender, question.quantity, references)
    if estimate is None or estimate.restarts < 2:
        return Answer(question, cell)
    return Answer(question, cell, estimate, judge(estimate, lower_is_better=lower_is_better(question.quantity)))
