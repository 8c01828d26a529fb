"""Log-ratios of a contender to its references, paired by pass: neighbours in time met the same weather.

Nothing else pairs slices, so that live view, report and comparison cannot pair them differently.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from benchmarks.analysis.slices import Floats, Integers, Quantity, Slices


def log_ratios(contender: Slices, references: Sequence[Slices], quantity: Quantity) -> Floats:
    """Natural logs of contender/reference, shape (references, groups of passes), from the slices of one round.

    A group is as few passes as can be: one, where every slice is of one pass; where a slice spans several, the others' slices in
    these passes are taken together (their quantity is the quotient of sums), and so are slices that overlap in a chain. Passes
    in which one of them has no slice at all, since it was given up, are left out.

    Quantities must be positive for their logs. A group in which somebody has nothing above or below the line (no answer came, or
    no tick of a coarse clock passed) is merged with the next ones until all have both; the last, if it does not come to that,
    with the one before it. It is not left out: a slice without answers costs time and CPU, and to drop it would flatter whoever
    stalls. Empty, shape (references, 0), where nothing pairs: no common pass, nobody answered, or the quantity is not known.

    Raises ValueError for no references.
    """
    if not references:
        raise ValueError("there must be at least one reference")
    logs = paired([contender, *references], quantity)
    return np.asarray(logs[0] - logs[1:], float)


def paired(sides: Sequence[Slices], quantity: Quantity) -> Floats:
    """Natural logs of the quantity, shape (sides, groups of passes), grouped as `log_ratios` says."""
    groups = _groups(sides)
    sums = np.array([_sums(side, groups, quantity) for side in sides])  # sides x groups x (above, below)
    merged = _positive(sums)
    return np.asarray(np.log(merged[..., 0]) - np.log(merged[..., 1]), float)


def _groups(sides: Sequence[Slices]) -> Integers:
    """The first passes of the groups that all sides cover, and the passes after their last: shape (groups, 2)."""
    first = min((int(side.turn[0]) for side in sides if len(side.turn)), default=0)
    end = max((int(side.turn[-1] + side.turns[-1]) for side in sides if len(side.turn)), default=0)
    inside = np.zeros(end - first + 1, bool)  # whether a slice goes on from the pass before
    covered = np.ones(end - first, bool)
    for side in sides:
        mine = np.zeros_like(covered)
        for turn, turns in zip(side.turn - first, side.turns, strict=True):
            inside[turn + 1 : turn + turns] = True
            mine[turn : turn + turns] = True
        covered &= mine
    bounds = np.flatnonzero(~inside)
    whole = [covered[low:high].all() for low, high in pairwise(bounds)]
    return np.column_stack([bounds[:-1], bounds[1:]])[whole] + first


def _sums(side: Slices, groups: Integers, quantity: Quantity) -> Floats:
    """Shape (groups, 2): what is above and below the line in the slices of each group."""
    columns = np.column_stack([quantity.above(side), quantity.below(side)])
    places = np.searchsorted(side.turn, groups.ravel())
    return np.asarray(np.add.reduceat(np.vstack([columns, np.zeros((1, 2))]), places, axis=0)[::2], float)


def _positive(sums: Floats) -> Floats:
    """Neighbouring groups merged until everything in each is positive: shape (sides, fewer groups, 2)."""
    if np.isnan(sums).any():
        return sums[:, :0]
    if (sums > 0).all():
        return sums
    merged: list[Floats] = []
    waiting = np.zeros((len(sums), 2))
    for group in sums.swapaxes(0, 1):
        waiting = waiting + group
        if (waiting > 0).all():
            merged.append(waiting)
            waiting = np.zeros_like(waiting)
    if merged:
        merged[-1] = merged[-1] + waiting
    return np.stack(merged, axis=1) if merged else sums[:, :0]
