"""The explorer: one HTML file with everything in it. Raw runs -> analysis -> this tree -> JSON -> the page; all of it pure.

The page judges ratios by another margin and turns them round; it estimates nothing.
"""

import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

from benchmarks.analysis.cells import CellResult, Name, enough, quantities
from benchmarks.analysis.verdict import MARGIN
from benchmarks.hazards.catalogue import HAZARDS
from benchmarks.hazards.hazard import MODELS, Hazard, Model
from benchmarks.load import Histogram
from benchmarks.raw.hazards import HazardRun, Side
from benchmarks.raw.load import LoadRun
from benchmarks.report.comparisons import DATABASES, FULL, Comparison, Row, comparisons

PAGE = Path(__file__).with_name("explorer_page")
PERCENTS = (*range(0, 80, 5), 80, 85, 90, 93, 95, 97, 98, 99, 99.3, 99.5, 99.7, 99.8, 99.9, 99.95, 99.99)
"""Of the latency, by which a curve is drawn; it ends where too few requests took longer."""
FACTS = {"cpu": "{}", "python": "{}", "commit": "commit {}"}
"""Of a run's environment, for its head."""
TEXTS = ("title", "writes", "happens", "why", "instead", "ours", "price", "package", "since")
"""Of a hazard, in little Markdown."""


@dataclass(frozen=True)
class Ratio:
    """A contender over another by one quantity: natural logarithms, of the ratio, and of half its interval's width.

    `half` is None where it is of a single round. `dots` are the ratios of slices, or of rounds, that it rests on, in thousandths
    on the same scale, round by round; where there are two references they are in the mean over both.
    """

    contender: str
    against: str
    quantity: Name
    log: float
    half: float | None
    dots: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Measured:
    """A contender in a cell: values of its rounds, in seconds or requests a second, cores in use, latency by `PERCENTS`."""

    contender: str
    problem: str | None
    values: Mapping[Name, tuple[float, ...]]
    busy: float | None
    curve: tuple[float, ...]


@dataclass(frozen=True)
class Place:
    """A cell. Each pair has one ratio: that to the baseline is to it and its control together, as in the report."""

    database: str
    scenario: str
    title: str
    load: str
    connections: int
    percent: int | None
    crowded: bool
    quantities: tuple[Name, ...]
    measured: tuple[Measured, ...]
    ratios: tuple[Ratio, ...]


@dataclass(frozen=True)
class Explored:
    """A run under load; `contenders` says of each what it is."""

    label: str
    facts: tuple[str, ...]
    baseline: str
    control: str
    contenders: Mapping[str, str]
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Entry:
    """A hazard: its texts by their names in the catalogue, and what each model did, where it was tried."""

    name: str
    by_hand: bool
    texts: Mapping[str, str]
    sides: Mapping[Model, Side]


@dataclass(frozen=True)
class Explorer:
    """What the page is given: all there is, of each run."""

    margin: float
    full: float
    databases: Mapping[str, str]
    percents: Sequence[float]
    runs: tuple[Explored, ...]
    hazards: tuple[Entry, ...]


def explorer(runs: Sequence[tuple[str, LoadRun]], hazards: HazardRun | None) -> Explorer:
    """The tree, of runs with their labels."""
    found = tuple(_explored(label, run) for label, run in runs)
    return Explorer(MARGIN, FULL, DATABASES, PERCENTS, found, tuple(_entry(one, hazards) for one in HAZARDS.values()))


def page(tree: Explorer) -> str:
    """The HTML file, which loads nothing."""
    text = json.dumps(asdict(tree), separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    made, style, script = ((PAGE / name).read_text("utf-8") for name in ("page.html", "style.css", "page.js"))
    return made.replace("/* style */", style).replace("/* script */", script).replace("/* data */", text)


def _explored(label: str, run: LoadRun) -> Explored:
    header, environment = run.header, run.header.environment
    on = (text.format(environment[name]) for name, text in FACTS.items() if environment.get(name))
    facts = (f"profile {header.profile}", header.started[:16].replace("T", " "), *on)
    about = {name: str(one["about"]) for name, one in header.contenders.items()}
    return Explored(label, facts, header.baseline, header.control, about, tuple(map(_place, comparisons(run))))


def _place(found: Comparison) -> Place:
    cell = found.result.cell
    where = cell.database, cell.scenario, found.title, cell.load.name, cell.load.connections, cell.load.percent
    return Place(*where, found.crowded, quantities(cell.load), tuple(map(_measured, found.rows)), tuple(_ratios(found.result)))


def _measured(row: Row) -> Measured:
    together = Histogram.merged(trial.overall for trial in row.trials)
    known = PERCENTS if together.count and not row.problem else ()
    return Measured(
        row.contender,
        row.problem,
        {name: tuple(map(_short, values)) for name, values in row.values.items()},
        round(statistics.median(row.busy), 3) if row.busy else None,
        tuple(_short(together.percentile(percent)) for percent in known if enough(together, percent)),
    )


def _ratios(result: CellResult) -> Iterator[Ratio]:
    """The first of a pair is the one compared with, the baseline before all; nobody else is compared with the control."""
    names = sorted(result.cell.contenders, key=lambda name: (name != result.baseline, name == result.control))
    pairs = [(one, other) for one, other in combinations(names, 2) if one == result.baseline or other != result.control]
    for quantity in quantities(result.cell.load):
        for against, contender in pairs:
            references = () if against == result.baseline else (against,)
            if result.sound(against) and (estimate := result.estimate(contender, quantity, references)):
                log, half = _short(math.log(estimate.ratio), 7), estimate.half_width  # which is infinite of a single round
                means = (logs.mean(axis=0) for logs in result.logs(contender, quantity, references))
                dots = tuple(tuple(round(1000 * float(one)) for one in each) for each in means)
                yield Ratio(contender, against, quantity, log, _short(half, 7) if math.isfinite(half) else None, dots)


def _entry(one: Hazard, run: HazardRun | None) -> Entry:
    sides = {model: side for model in MODELS if run and (side := run.side(one.name, model))}
    return Entry(one.name.upper(), one.by_hand, {name: getattr(one, name) for name in TEXTS}, sides)


def _short(value: float, digits: int = 5) -> float:
    return float(f"{value:.{digits}g}")
