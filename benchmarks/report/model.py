"""What a report is made of: one tree of frozen values. Pages, pictures and the terminal are drawn from it and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmarks.analysis import instructions as exact
from benchmarks.analysis import micro as clock
from benchmarks.analysis.answers import Answer, answers
from benchmarks.analysis.cells import enough
from benchmarks.analysis.proof import means
from benchmarks.hazards.catalogue import HAZARDS
from benchmarks.hazards.hazard import MODELS, Hazard
from benchmarks.load import Histogram
from benchmarks.raw.hazards import HazardRun, Side
from benchmarks.raw.instructions import InstructionRun
from benchmarks.raw.load import LoadRun
from benchmarks.raw.micro import MicroRun
from benchmarks.raw.proof import ProofRow
from benchmarks.report.claims import Claim, Held, Outcome, hold
from benchmarks.report.comparisons import Comparison, Row, comparisons, deciding
from benchmarks.report.situations import Judged, cells_of, judged
from benchmarks.report.trust import Trust, trust
from benchmarks.subjects.contenders import CONTENDERS
from benchmarks.subjects.layers import LAYERS
from benchmarks.subjects.profiles import SERVED
from benchmarks.subjects.scenarios import SCENARIOS


@dataclass(frozen=True)
class Placed:
    """A row with its cell."""

    cell: Comparison
    row: Row


@dataclass(frozen=True)
class Failing:
    """A contender, how it fails, and where."""

    contender: str
    problem: str
    where: str


@dataclass(frozen=True)
class UnderLoad:
    """A run under load; `absent` are contenders and scenarios that it lacks."""

    run: LoadRun
    cells: tuple[Comparison, ...]
    situations: tuple[Judged, ...]
    answers: tuple[Answer, ...]
    trust: Trust
    absent_contenders: tuple[str, ...]
    absent_scenarios: tuple[str, ...]

    @cached_property
    def closed(self) -> tuple[Comparison, ...]:
        """Of each scenario that waits for nothing the closed loop that decides."""
        return tuple(one for one in deciding(self.cells) if one.delay is None)

    @cached_property
    def waiting(self) -> tuple[Comparison, ...]:
        """Closed loops over a query that waits."""
        return tuple(one for one in self._delayed if _is_usual(one.scenario))

    @cached_property
    def asking(self) -> tuple[Comparison, ...]:
        """Closed loops over what waits elsewhere: services, several queries at once, views that block."""
        return tuple(one for one in self._delayed if not _is_usual(one.scenario))

    @property
    def _delayed(self) -> list[Comparison]:
        return [one for one in self.cells if one.delay is not None and one.load.percent is None]

    @cached_property
    def opened(self) -> tuple[Comparison, ...]:
        """Open loops."""
        return tuple(one for one in self.cells if one.load.percent is not None)

    @cached_property
    def swept(self) -> tuple[Comparison, ...]:
        """Closed loops over one scenario and database that was measured with more than two numbers of connections."""
        places = [(one.database, one.scenario) for one in self.cells if one.load.percent is None]
        return tuple(one for one in self.cells if one.load.percent is None and places.count((one.database, one.scenario)) > 2)

    @property
    def contenders(self) -> tuple[str, ...]:
        """Those measured, without the control, in the order of the run's header."""
        found = dict.fromkeys(row.contender for one in self.cells for row in one.rows)
        order = [*self.run.header.contenders]
        return tuple(sorted(found, key=lambda name: order.index(name) if name in order else len(order)))

    def cell(self, database: str, scenario: str, name: str = "") -> Comparison | None:
        """The cell under the load of that name, or the one that decides; None where it was not measured."""
        return next(iter(cells_of(self.cells, database, [scenario], name)), None)

    @cached_property
    def surface(self) -> tuple[Comparison, ...]:
        """Over connections: reading on PostgreSQL, and what waits."""
        reading = [one for one in self.swept if one.database == "postgresql" and one.scenario == "read"]
        return tuple(sorted(reading, key=lambda one: one.load)) + self.waiting

    @staticmethod
    def among(names: Sequence[str], cells: Sequence[Comparison], least: int = 2) -> list[str]:
        """Those of them who take part in as many of the cells."""
        return [name for name in names if sum(one.row(name) is not None for one in cells) >= least]

    @cached_property
    def elsewhere(self) -> tuple[str, ...]:
        """Other frameworks, and the same apps on other servers or on more of one."""
        known = self.run.header.contenders
        return tuple(name for name in self.contenders if name in SERVED or known[name]["model"] == "peer")

    def felt(self, scenario: str, contender: str, kind: str, percent: float) -> float | None:
        """Seconds that a percentage of the requests of a kind took at most, in a mixture of several; None where too few did."""
        rows = (one.row(contender) for one in self.cells if one.scenario == scenario)
        if not (row := next(rows, None)) or row.problem:
            return None
        together = Histogram.merged(trial.latency[kind] for trial in row.trials if kind in trial.latency)
        return together.percentile(percent) if together.count and enough(together, percent) else None

    @staticmethod
    def placed(cells: Sequence[Comparison]) -> list[Placed]:
        """The rows of the cells without those of the baseline."""
        return [Placed(cell, row) for cell in cells for row in cell.rows if row.contender != cell.baseline]

    @property
    def latencies(self) -> list[Placed]:
        """Every contender in every open loop."""
        return [Placed(cell, row) for cell in self.opened for row in cell.rows]

    @property
    def failures(self) -> list[Failing]:
        """Who fails, how, and where; those that fail alike together."""
        found: dict[tuple[str, str], list[str]] = {}
        for cell in self.cells:
            for row in cell.rows:
                if row.problem:
                    found.setdefault((row.contender, row.problem), []).append(cell.where)
        return [Failing(*who, "; ".join(where)) for who, where in found.items()]

    def has(self, word: str) -> bool:
        """Whether a contender or a scenario with the word in its name was measured."""
        return any(word in name for name in (*self.run.header.contenders, *(one.scenario for one in self.cells)))

    def find(self, contender: str, database: str, scenario: str, name: str = "") -> Row | None:
        """The contender's row there, for the numbers of a sentence; None where it was not measured."""
        found = self.cell(database, scenario, name)
        return found.row(contender) if found else None


def _is_usual(scenario: str) -> bool:
    return scenario not in SCENARIOS or SCENARIOS[scenario].usual


@dataclass(frozen=True)
class Seen:
    """A hazard and what each side did, by model."""

    hazard: Hazard
    sides: Mapping[str, Side]


@dataclass(frozen=True)
class Hazards:
    """The hazards that were provoked; `broken` counts them by model."""

    run: HazardRun
    seen: tuple[Seen, ...]
    broken: Mapping[str, int]


@dataclass(frozen=True)
class InProcess:
    """What was found in process, one caller at a time: a row for each contender in each scenario on each database."""

    run: Any
    rows: tuple[Any, ...]

    def of(self, database: str) -> list[Any]:
        """The rows on the database."""
        return [row for row in self.rows if row.database == database]

    def row(self, contender: str, database: str, scenario: str) -> Any:
        """That row; None where it was not measured."""
        wanted = (contender, database, scenario)
        return next((one for one in self.rows if (one.contender, one.database, one.scenario) == wanted), None)


@dataclass(frozen=True)
class Counts(InProcess):
    """Instructions per request."""

    @cached_property
    def layers(self) -> list[str]:
        """Those that had a part, in their order."""
        found = {layer for row in self.rows for layer in row.layers}
        return [layer for layer in LAYERS if layer in found]

    @property
    def columns(self) -> list[str]:
        """The layers as columns of numbers."""
        return [f"{layer}:" for layer in self.layers]

    @property
    def has_cycles(self) -> bool:
        """Whether cycles were estimated."""
        return any(row.cycles for row in self.rows)


@dataclass(frozen=True)
class Clock(InProcess):
    """Times."""

    calibrations: Mapping[clock.Quantity, Any]


@dataclass(frozen=True)
class Runs:
    """The raw files of a report, one of each kind at most; `proof` are rows of what simulation says of the statistics."""

    load: LoadRun | None = None
    micro: MicroRun | None = None
    instructions: InstructionRun | None = None
    hazards: HazardRun | None = None
    proof: Sequence[ProofRow] = ()


@dataclass(frozen=True)
class Report:
    """All of it. `held` are the published conclusions against this run, for a run that is not the published one."""

    load: UnderLoad | None
    counts: Counts | None
    clock: Clock | None
    hazards: Hazards | None
    proof: Sequence[ProofRow]
    """The means first."""
    held: tuple[Held, ...] = ()

    @property
    def runs(self) -> dict[str, Any]:
        """The raw runs that there are, by kind."""
        parts = {"load": self.load, "instructions": self.counts, "micro": self.clock, "hazards": self.hazards}
        return {kind: part.run for kind, part in parts.items() if part}

    @property
    def uncommitted(self) -> list[str]:
        """Kinds of runs that nobody can repeat: their code was not committed."""
        return [kind for kind, run in self.runs.items() if (run.header.environment.get("commit") or "").endswith("+")]


def report(runs: Runs, claims: Sequence[Claim] = ()) -> Report:
    """The tree, with the published `claims` held against the run."""
    under_load = _under_load(runs.load) if runs.load else None
    held = [hold(one, under_load.cells) for one in claims] if under_load else []
    return Report(
        under_load,
        Counts(runs.instructions, tuple(exact.summarize(runs.instructions))) if runs.instructions else None,
        Clock(runs.micro, tuple(clock.summarize(runs.micro)), clock.calibrations(runs.micro)) if runs.micro else None,
        _hazards(runs.hazards) if runs.hazards else None,
        [*means(runs.proof), *runs.proof],
        tuple(sorted(held, key=lambda one: list(Outcome).index(one.outcome))),
    )


def _under_load(run: LoadRun) -> UnderLoad:
    found = comparisons(run)
    measured = {cell.scenario for cell in run.header.cells}
    return UnderLoad(
        run,
        found,
        judged(found),
        tuple(answers([one.result for one in found])),
        trust(run, found),
        tuple(name for name in CONTENDERS if name not in run.header.contenders),
        tuple(name for name in SCENARIOS if name not in measured),
    )


def _hazards(run: HazardRun) -> Hazards:
    found = [HAZARDS[name] for name in run.header.hazards if name in HAZARDS]
    seen = tuple(Seen(one, {name: side for name in MODELS if (side := run.side(one.name, name))}) for one in found)
    return Hazards(run, seen, {name: sum(name in one.sides and one.sides[name].broken for one in seen) for name in MODELS})
