"""What was recorded of a contender in a round, and the quantities that are compared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from benchmarks.raw.load import require_apart

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Slices:
    """The slices of one contender in one round of one cell, in order: columns of equal length, one entry a slice.

    `turn` is the pass over the contenders in which a slice began, counted from 0 or 1, and `turns` how many passes it spans: 1
    but for slow contenders. `seconds`, `server_cpu` and `database_cpu` are in seconds, `answered` counts right answers. A slice
    whose `database_cpu` is not known has nan.
    """

    turn: Integers
    turns: Integers
    seconds: Floats
    answered: Floats
    server_cpu: Floats
    database_cpu: Floats

    def __post_init__(self) -> None:
        count = len(self.turn)
        if any(len(column) != count for column in vars(self).values()):
            raise ValueError(f"columns differ in length: { {name: len(column) for name, column in vars(self).items()} }")
        require_apart(self.turn, self.turns)

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[Any]]) -> Self:
        """From the columns of a raw record, of which `turns` (else 1) and `database_cpu` (else, or null: not known) may lack.

        Raises KeyError for another one that lacks, and ValueError for columns of unequal length or slices that overlap.
        """
        count = len(columns["turn"])
        database = columns.get("database_cpu")
        return cls(
            turn=np.asarray(columns["turn"], np.int64),
            turns=np.asarray(columns.get("turns", [1] * count), np.int64),
            seconds=np.asarray(columns["seconds"], float),
            answered=np.asarray(columns["answered"], float),
            server_cpu=np.asarray(columns["server_cpu"], float),
            database_cpu=np.full(count, np.nan) if database is None else np.asarray(database, float),
        )


@dataclass(frozen=True)
class Quantity:
    """What is compared, as a quotient of two columns: of several slices it is the quotient of their sums."""

    above: Callable[[Slices], Floats]
    below: Callable[[Slices], Floats]


CPU = Quantity(lambda slices: slices.server_cpu, lambda slices: slices.answered)
"""The server's CPU seconds per request."""
DATABASE_CPU = Quantity(lambda slices: slices.database_cpu, lambda slices: slices.answered)
"""The database's CPU seconds per request."""
THROUGHPUT = Quantity(lambda slices: slices.answered, lambda slices: slices.seconds)
"""Right answers a second: of a server with a core of its own the reciprocal of its CPU time, and as well known; see `proof`.

Where other jobs had 43 % of the core (24 passes in each of 5 rounds; CPU within +-2.3 %), it was known within +-4.5 %. Nothing
tried makes it much better: the median (4.2), CPU time and use of the core located apart (4.1), the nearest reference or those
before and after instead of those of the pass (2 % wider or narrower). Steal tells nothing of it. It takes more rounds.
"""
