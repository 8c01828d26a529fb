"""What is wrong with a contender, as a value: nobody has to take a sentence apart."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class ProblemKind(StrEnum):
    """Where it was seen."""

    ALONE = "alone"  # a request by itself, or the start of the server
    LOAD = "load"  # many answers, of which some were wrong, and others perhaps never came
    SERVER = "server"  # it ended under load
    WRITES = "writes"  # the database holds fewer or more of them than were acknowledged
    UNASKED = "unasked"  # nothing is right alone, so that it was not asked several things at once


@dataclass(frozen=True)
class Problem:
    """The `last` error in one line; in a load so many of `total` answers were `wrong`, those that never came among them."""

    last: str
    kind: ProblemKind = ProblemKind.ALONE
    wrong: int = 0
    total: int = 0

    def __str__(self) -> str:
        if self.kind is ProblemKind.LOAD:
            return f"{self.wrong} of {self.total} answers were wrong or missing; last error: {self.last}"
        return self.last

    @classmethod
    def of_load(cls, wrong: int, total: int, last: str) -> Self:
        """So many of all answers were wrong."""
        return cls(last, ProblemKind.LOAD, wrong, total)

    @classmethod
    def unasked(cls) -> Self:
        """Nothing was right alone."""
        return cls("nothing is right alone", ProblemKind.UNASKED)
