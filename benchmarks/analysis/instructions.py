"""From raw counts to a table: instructions per request, ratio to the baseline, repeatability, layers. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.raw.instructions import InstructionCell, InstructionRun
from benchmarks.subjects.layers import INTERPRETER, LAYERS

RESOLUTION = 0.01
"""Counts of the same code in other memory layouts lay up to 0.94 % apart (read, both databases, three layouts each), so a ratio
within this of 1 says nothing. A run made before its header's `method` had "repeats" counted in one layout: its `spread` is
smaller than this and does not show it."""


@dataclass(frozen=True)
class InstructionRow:
    """One contender in one scenario on one database ("none", "sqlite" or "postgresql").

    `instructions` are per request; `ratio` is to the baseline of the same scenario and database (1 for itself). `spread` is
    the distance of the largest from the smallest count, over their mean; None of a single count. `layers` are instructions
    per request by layer and add up to `instructions`. `cycles` are estimated ones per request, `cycle_ratio` and `cycle_spread`
    as `ratio` and `spread`; None where they were not simulated. Where `problem` says why it could not be counted, all are empty;
    so are the ratios where the baseline was not counted.
    """

    database: str
    scenario: str
    contender: str
    problem: str | None
    instructions: float | None
    ratio: float | None
    spread: float | None
    layers: Mapping[str, float]
    cycles: float | None = None
    cycle_ratio: float | None = None
    cycle_spread: float | None = None


def summarize(run: InstructionRun) -> list[InstructionRow]:
    """A row for each finished cell, in the planned order: peers of a scenario side by side."""
    cells = {(cell.database, cell.scenario, cell.contender): cell for cell in run.cells}
    return [_row(cells[place], cells.get((*place[:2], run.header.baseline))) for place in run.header.cells if place in cells]


def _row(cell: InstructionCell, baseline: InstructionCell | None) -> InstructionRow:
    where = (cell.database, cell.scenario, cell.contender)
    if cell.problem:
        return InstructionRow(*where, cell.problem, None, None, None, {})
    ratio = cell.instructions / baseline.instructions if baseline and baseline.counts else None
    cycles = fmean(cell.cycles) if cell.cycles else None
    cycle_ratio = cycles / fmean(baseline.cycles) if cycles and baseline and baseline.cycles else None
    more = cycles, cycle_ratio, spread(cell.cycles)
    return InstructionRow(*where, None, cell.instructions, ratio, spread(cell.counts), layers(cell), *more)


def spread(counts: Sequence[float]) -> float | None:
    """How far the counts of a cell lie apart, over their mean."""
    return (max(counts) - min(counts)) / fmean(counts) if len(counts) > 1 else None


def layers(cell: InstructionCell) -> dict[str, float]:
    """Instructions per request by layer, in the order of `LAYERS`, without layers that had no part.

    What ran in a layer's own extension modules is counted, not estimated. The rest is the interpreter's work for all layers; it
    is shared out by the bytecodes that each of them executed.
    """
    executed = sum(cell.bytecodes.values())
    if not executed:
        return {}
    rest = cell.native.get(INTERPRETER, 0.0)
    shares = {layer: cell.native.get(layer, 0.0) + rest * cell.bytecodes.get(layer, 0.0) / executed for layer in LAYERS}
    return {layer: share for layer, share in shares.items() if share}
