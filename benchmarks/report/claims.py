"""The conclusions of RESULTS.md and README.md: sentences written by hand, each held against what was measured.

A sentence stands in its template between `{% call(found) claim(says(...)) %}` and `{% endcall %}`, with all that it claims.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from benchmarks.analysis.cells import Name
from benchmarks.analysis.verdict import Finding
from benchmarks.report.comparisons import DATABASES, Comparison, pooled
from benchmarks.report.numbers import interval, ratio
from benchmarks.report.situations import QUANTITIES, cells_of

Kind = Literal["better", "worse", "same", "fails", "no better", "no worse"]

EXCLUDES: Mapping[Kind, Kind] = {"no better": "better", "no worse": "worse"}


class Outcome(StrEnum):
    """What a run says of a conclusion, the worst first."""

    CONTRADICTS = "contradicts"
    ABSENT = "did not measure"
    OPEN = "leaves open"
    CONFIRMS = "confirms"


@dataclass(frozen=True)
class Say:
    """That a contender is better, worse, the same, failing, or at least not the one or the other, than the baseline or `against`.

    `scenarios`, separated by spaces, are taken together; `load` is a name such as `closed-8`, or empty for the load that decides.
    Where a number is said, the ratio is to be from `low` to `high`.
    """

    contender: str
    kind: Kind
    quantity: Name
    database: str
    scenarios: str
    low: float = 0.0
    high: float = math.inf
    load: str = ""
    against: str = ""

    def find(self, found: Sequence[Comparison]) -> Finding:
        """What the run says."""
        scenarios = self.scenarios.split()
        chosen = cells_of(found, self.database, scenarios, self.load)
        if len(chosen) != len(scenarios):
            return Finding()
        if self.against:
            return chosen[0].against(self.contender, self.against, self.quantity)
        return pooled(chosen, self.contender, self.quantity)

    @property
    def where(self) -> str:
        """Who, where and in what."""
        against = f" against {self.against}" if self.against else ""
        load = f", {self.load}" if self.load else ""
        scenarios = self.scenarios.replace(" ", ", ")
        return f"{self.contender}{against}, {DATABASES[self.database]}, {scenarios}{load}, {QUANTITIES[self.quantity]}"

    @property
    def wanted(self) -> str:
        """What the sentence says."""
        if not self.low and self.high == math.inf:
            return self.kind
        return f"{self.kind}, {ratio(self.low)} to {ratio(self.high) if self.high < math.inf else 'more'}"


def outcome(say: Say, finding: Finding) -> Outcome:
    """Confirmed by a verdict of its kind with a ratio in the range; contradicted by a verdict of another kind, or an interval
    that lies outside the range. That something is not better is not contradicted by an undecided interval."""
    if say.kind == "fails" and finding.problem:
        return Outcome.CONFIRMS
    if finding.problem:
        return Outcome.CONFIRMS if say.kind == "no better" else Outcome.CONTRADICTS
    estimate, verdict = finding.estimate, finding.verdict
    if estimate is None or verdict is None:
        return Outcome.ABSENT
    if estimate.high < say.low or estimate.low > say.high:
        return Outcome.CONTRADICTS
    kind = verdict.broadly
    if say.kind in EXCLUDES:
        if kind == EXCLUDES[say.kind]:
            return Outcome.CONTRADICTS
    elif kind == "undecided":
        return Outcome.OPEN
    elif kind != say.kind:
        return Outcome.CONTRADICTS
    return Outcome.CONFIRMS if say.low <= estimate.ratio <= say.high else Outcome.OPEN


@dataclass(frozen=True)
class Claim:
    """A sentence and what it says."""

    sentence: str
    says: tuple[Say, ...]


@dataclass(frozen=True)
class Held:
    """A claim held against a run: the worst outcome of all that it says and the run measured, and what was found of each."""

    claim: Claim
    outcome: Outcome
    found: tuple[tuple[Say, Finding, Outcome], ...]

    @property
    def complaint(self) -> str:
        """The sentence, and what it would have to say; empty where all is borne out."""
        wrong = "; ".join(
            f"{say.where}: it says {say.wanted}, the run says {finding.word or 'nothing'} {interval(finding.estimate)}"
            for say, finding, found in self.found
            if found is not Outcome.CONFIRMS
        )
        return wrong and f"“{self.claim.sentence}” {wrong}"


def hold(claim: Claim, found: Sequence[Comparison]) -> Held:
    """Against the cells of a run."""
    seen = tuple((say, finding := say.find(found), outcome(say, finding)) for say in claim.says)
    known = {one for *_, one in seen} - {Outcome.ABSENT} or {Outcome.ABSENT}
    return Held(claim, min(known, key=list(Outcome).index), seen)


@dataclass
class Collector:
    """What a template calls: `claim` writes its sentence, given the findings, and keeps it."""

    found: Sequence[Comparison]
    claims: list[Claim] = field(default_factory=list)

    def claim(self, *says: Say, caller: Callable[..., str]) -> str:
        """The sentence, with the estimates of all it says (None where there is none) for its numbers."""
        sentence = " ".join(str(caller(*(say.find(self.found).estimate for say in says))).split())
        self.claims.append(Claim(sentence, says))
        return f"{sentence}\n"
