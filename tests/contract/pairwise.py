"""All pairs instead of all combinations: most faults that depend on parameters depend on two of them at most.

The method is Cohen et al., "The AETG system" (IEEE Trans. Software Eng. 23(7), 1997), without its random tries.
"""

from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations


def pairs(case: Mapping[str, Hashable]) -> set[frozenset[tuple[str, Hashable]]]:
    """The pairs of parameters with their values that a case has; the single ones, if it has one parameter."""
    return {frozenset(pair) for pair in combinations(case.items(), min(2, len(case)))}


def covering(cases: Sequence[Mapping[str, Hashable]]) -> list[int]:
    """The indices of a few cases that have together every pair that all cases have; the first of equally useful ones."""
    having = [pairs(case) for case in cases]
    missing = set().union(*having)
    chosen = []
    while missing:
        best = max(range(len(cases)), key=lambda index: len(having[index] & missing))
        missing -= having[best]
        chosen.append(best)
    return sorted(chosen)
