"""Where more rounds are of most use: on the database of the question whose interval is widest for what it has to be."""

from collections.abc import Sequence
from random import Random

from benchmarks.analysis.answers import Answer, answers
from benchmarks.analysis.cells import CellResult, results
from benchmarks.raw.load import LoadRun
from benchmarks.subjects.contenders import BASELINE, CONTENDERS, CONTROL
from benchmarks.subjects.profiles import Profile, round_seconds, servers_seconds
from benchmarks.under_load.stage import kind_of
from benchmarks.under_load.trial import Round


def next_sitting(profile: Profile, found: LoadRun, seconds: float) -> list[Round]:
    """Another round of the cell of each question that is too wide, on the kind of database of the widest, as far as they fit into
    `seconds`; of another kind, if none does. Empty where all are narrow, or none fits.

    Only who is needed for questions of the cell that are too wide takes part. What decides is width, never what an interval says.
    """
    cells = results(found)
    asked = answers(cells, profile.asked)
    wide = sorted((answer for answer in asked if answer.excess > 1), key=lambda answer: -answer.excess)
    for kind in dict.fromkeys(kind_of(answer.question.database) for answer in wide):
        places = dict.fromkeys(answer.question.where for answer in wide if kind_of(answer.question.database) == kind)
        rounds: list[Round] = []
        for where in places:
            made = _round(profile, found, next(one for one in cells if _where(one) == where), wide)
            if sitting_seconds([*rounds, made]) <= seconds:
                rounds.append(made)
        if rounds:
            return sorted(rounds, key=lambda turn: turn.cell.load.connections)
    return []


def sitting_seconds(rounds: Sequence[Round]) -> float:
    """About how long they take on the same servers."""
    servers = {contender.name for turn in rounds for contender in turn.contenders}
    return servers_seconds(len(servers)) + sum(round_seconds(turn.cell, len(turn.contenders), turn.warmup) for turn in rounds)


def _round(profile: Profile, found: LoadRun, here: CellResult, wide: Sequence[Answer]) -> Round:
    where = _where(here)
    needed = {name for one in wide if one.question.where == where for name in one.question.contenders}
    if BASELINE in needed:
        needed.add(CONTROL)
    number = 1 + max((number for trials in here.trials.values() for number in trials), default=0)
    seed = Random(f"{found.header.seed} {where} {number}").randrange(2**31)
    chosen = tuple(CONTENDERS[name] for name in here.cell.contenders if name in needed and name not in here.problems)
    return Round(number, here.cell, chosen, profile.warmup, seed)


def _where(one: CellResult) -> tuple[str, str, str]:
    return one.cell.database, one.cell.scenario, one.cell.load.name
