"""The explorer: one HTML file with everything in it. Raw runs -> analysis -> plain values -> JSON -> the page; all of it pure.

The page judges ratios by another margin and turns them round; it estimates nothing.
"""

import json
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.analysis.cells import CellResult, enough, quantities
from benchmarks.analysis.verdict import MARGIN
from benchmarks.hazards.catalogue import HAZARDS
from benchmarks.hazards.hazard import MODELS, Hazard
from benchmarks.load import Histogram
from benchmarks.raw.hazards import HazardRun
from benchmarks.raw.load import LoadRun
from benchmarks.report.comparisons import DATABASES, FULL, Comparison, Row, comparisons

PAGE = Path(__file__).with_name("explorer_page")
PERCENTS = (*range(0, 80, 5), 80, 85, 90, 93, 95, 97, 98, 99, 99.3, 99.5, 99.7, 99.8, 99.9, 99.95, 99.99)
"""Of the latency, by which a curve is drawn; it ends where too few requests took longer."""
FACTS = {"cpu": "{}", "python": "{}", "commit": "commit {}"}
"""Of a run's environment, for its head."""
TEXTS = ("title", "writes", "happens", "why", "instead", "ours", "price", "upstream")
"""Of a hazard, in little Markdown."""
Values = dict[str, Any]


def explorer(runs: Sequence[tuple[str, LoadRun]], hazards: HazardRun | None) -> Values:
    """What the page is given: all there is, of each run with its label."""
    return {
        "margin": MARGIN,
        "full": FULL,
        "databases": DATABASES,
        "percents": PERCENTS,
        "runs": [_run(label, run) for label, run in runs],
        "hazards": [_hazard(one, hazards) for one in HAZARDS.values()],
    }


def page(given: Values) -> str:
    """The HTML file, which loads nothing."""
    text = json.dumps(given, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    made, style, script = ((PAGE / name).read_text("utf-8") for name in ("page.html", "style.css", "page.js"))
    return made.replace("/* style */", style).replace("/* script */", script).replace("/* data */", text)


def _run(label: str, run: LoadRun) -> Values:
    """A run under load; `contenders` says of each what it is."""
    header, environment = run.header, run.header.environment
    on = (text.format(environment[name]) for name, text in FACTS.items() if environment.get(name))
    return {
        "label": label,
        "facts": [f"profile {header.profile}", header.started[:16].replace("T", " "), *on],
        "baseline": header.baseline,
        "control": header.control,
        "contenders": {name: str(one["about"]) for name, one in header.contenders.items()},
        "places": [_place(one) for one in comparisons(run)],
    }


def _place(found: Comparison) -> Values:
    """A cell. Each pair has one ratio: that to the baseline is to it and its control together, as in the report."""
    return {
        "database": found.database,
        "scenario": found.scenario,
        "title": found.title,
        "load": found.load.name,
        **asdict(found.load),
        "crowded": found.crowded,
        "quantities": quantities(found.load),
        "measured": [_measured(row) for row in found.rows],
        "ratios": list(_ratios(found.result)),
    }


def _measured(row: Row) -> Values:
    """A contender in a cell: values of its rounds, in seconds or requests a second, cores in use, latency by `PERCENTS`."""
    together = Histogram.merged(trial.overall for trial in row.trials)
    known = PERCENTS if together.count and not row.problem else ()
    return {
        "contender": row.contender,
        "problem": row.problem,
        "values": {name: list(map(_short, values)) for name, values in row.values.items()},
        "busy": round(statistics.median(row.busy), 3) if row.busy else None,
        "curve": [_short(together.percentile(percent)) for percent in known if enough(together, percent)],
    }


def _ratios(result: CellResult) -> Iterator[Values]:
    """Of a contender over another by one quantity: natural logarithms, of the ratio, and of half its interval's width.

    `half` is None where it is of a single round. `dots` are the ratios of slices, or of rounds, that it rests on, in thousandths
    on the same scale, round by round; where there are two references they are in the mean over both.

    The first of a pair is the one compared with, the baseline before all; nobody else is compared with the control.
    """
    names = sorted(result.cell.contenders, key=lambda name: (name != result.baseline, name == result.control))
    pairs = [(one, other) for one, other in combinations(names, 2) if one == result.baseline or other != result.control]
    for quantity in quantities(result.cell.load):
        for against, contender in pairs:
            references = () if against == result.baseline else (against,)
            if result.sound(against) and (estimate := result.estimate(contender, quantity, references)):
                means = (logs.mean(axis=0) for logs in result.logs(contender, quantity, references))
                yield {
                    "contender": contender,
                    "against": against,
                    "quantity": quantity,
                    "log": _short(math.log(estimate.ratio), 7),
                    "half": _short(estimate.half_width, 7) if math.isfinite(estimate.half_width) else None,
                    "dots": [[round(1000 * float(one)) for one in each] for each in means],
                }


def _hazard(one: Hazard, run: HazardRun | None) -> Values:
    """A hazard: its texts by their names in the catalogue, and what each model did, where it was tried."""
    return {
        "name": one.name.upper(),
        "by_hand": one.by_hand,
        "texts": {name: getattr(one, name) for name in TEXTS},
        "sides": {model: asdict(side) for model in MODELS if run and (side := run.side(one.name, model))},
    }


def _short(value: float, digits: int = 5) -> float:
    return float(f"{value:.{digits}g}")
