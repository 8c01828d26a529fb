"""Where more rounds are of most use: in the cell of the question whose interval is widest for what it has to be."""

from __future__ import annotations

from random import Random

from benchmarks.analysis.answers import Answer, answers
from benchmarks.analysis.cells import CellResult, results
from benchmarks.raw.load import Run
from benchmarks.subjects.contenders import BASELINE, CONTENDERS, CONTROL
from benchmarks.subjects.profiles import Profile, round_seconds
from benchmarks.under_load.trial import Round


def next_round(profile: Profile, found: Run, seconds: float) -> Round | None:
    """Another round for the widest of the profile's questions that fits into `seconds`; None where all are narrow, or none fits.

    Only who is needed for questions of the cell that are too wide takes part. What decides is width, never what an interval says.
    """
    cells = results(found)
    asked = answers(cells, profile.asked)
    wide = sorted((answer for answer in asked if answer.excess > 1), key=lambda answer: -answer.excess)
    for answer in wide:
        made = _round(profile, found, cells, wide, answer)
        if round_seconds(made.cell, len(made.contenders), profile.warmup) <= seconds:
            return made
    return None


def _round(profile: Profile, found: Run, cells: list[CellResult], wide: list[Answer], answer: Answer) -> Round:
    here = next(one for one in cells if _where(one) == answer.question.where)
    needed = {name for one in wide if one.question.where == answer.question.where for name in one.question.contenders}
    if BASELINE in needed:
        needed.add(CONTROL)
    number = 1 + max((number for trials in here.trials.values() for number in trials), default=0)
    seed = Random(f"{found.header.seed} {answer.question.where} {number}").randrange(2**31)
    chosen = tuple(CONTENDERS[name] for name in here.cell.contenders if name in needed and name not in here.problems)
    return Round(number, here.cell, chosen, profile.warmup, seed)


def _where(one: CellResult) -> tuple[str, str, str]:
    return one.cell.database, one.cell.scenario, one.cell.load.name
