"""From raw files to the report in Markdown and its pictures. Pure: the same runs give the same bytes.

The text is in the templates of `sections`, in the order of their names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from benchmarks.analysis.instructions import summarize as summarize_exact
from benchmarks.analysis.micro import summarize as summarize_micro
from benchmarks.analysis.verdict import MARGIN
from benchmarks.raw import hazards, instructions, load, micro
from benchmarks.report import (
    exact_part,
    load_part,
    load_pictures,
    load_prose,
    load_summary,
    micro_part,
    prose,
    terms_part,
    validity_part,
)
from benchmarks.report.hazards import render as render_hazards
from benchmarks.report.numbers import percent

SECTIONS = Path(__file__).with_name("sections")
RESULTS = "benchmarks/results"
COMMANDS = {
    "load": f"python -m benchmarks run --profile standard --output {RESULTS}/load.jsonl",
    "micro": f"python -m benchmarks micro --output {RESULTS}/micro.jsonl",
    "instructions": f"python -m benchmarks instructions --output {RESULTS}/instructions.jsonl",
    "hazards": f"python -m benchmarks hazards --output {RESULTS}/hazards.jsonl",
}
"""What makes each kind of raw file."""
WHAT = {"load": "measured under load", "micro": "measured in process", "instructions": "counted", "hazards": "provoked"}
TITLES = {"load": "Under load", "micro": "In process", "instructions": "Exact counts", "hazards": "Hazards"}


@dataclass(frozen=True)
class Runs:
    """What there is to report, one of each kind at most, and links: to the raw files by kind, and to the `reproductions`."""

    load: load.Run | None = None
    micro: micro.Run | None = None
    instructions: instructions.Run | None = None
    hazards: hazards.Run | None = None
    links: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Report:
    """The Markdown, and the pictures: SVG by kind of raw file and name."""

    markdown: str
    pictures: Mapping[tuple[str, str], str]


def build(runs: Runs, link: Callable[[str, str], str]) -> Report:
    """The report; `link` gives the link to a picture by its kind and name."""
    pictures: dict[tuple[str, str], str] = {}
    context: dict[str, Any] = {
        **dict.fromkeys(("load", "micro", "instructions")),
        "absent": lambda kind: f"Nothing was {WHAT[kind]} for this report: `{COMMANDS[kind]}`",
        "margin": percent(MARGIN, 0),
        "answer": [],
        "warnings": _warnings(runs),
        "parts": [_part(kind, run, (runs.links or {}).get(kind, "")) for kind, run in _present(runs).items()],
        "contenders": "",
        "hazards": _hazards(runs),
        **dict.fromkeys(("rules", "decisions", "who", "lone", "beside", "numbers", "limits", "questions"), ""),
    }
    rows = summarize_exact(runs.instructions) if runs.instructions else []
    if runs.micro:
        comparisons = summarize_micro(runs.micro)
        context |= micro_part.context(runs.micro, comparisons)
        pictures["micro", ""] = micro_part.picture(comparisons)
        context["answer"] = prose.answer(runs.micro, comparisons)
    if runs.instructions:
        context |= exact_part.context(runs.instructions, rows)
    if runs.load:
        summary = load_summary.summarize(runs.load)
        context |= load_part.context(runs.load, summary, exact_part.finder(rows))
        context |= validity_part.context(runs.load, summary)
        sentences = load_prose.answer(runs.load, summary)
        context["answer"] = [one.headline for one in sentences] or ["No comparison came to an end in this run."]
        context["numbers"] = [one.numbers for one in sentences]
        if sentences and (doubt := exact_part.doubt(rows, load_prose.together(runs.load, summary))):
            context["answer"][0] += f" {doubt}"
        loaded = {
            database: {one.scenario for one in load_summary.ordinary(runs.load, summary, database)}
            for database in prose.DATABASES
        }
        context["beside"] = [line for line in (load_prose.beside(runs.load, summary), exact_part.answer(rows, loaded)) if line]
        pictures |= {("load", name): text for name, text in load_pictures.pictures(runs.load, summary).items()}
    context["picture"] = _pictures(pictures, link)
    context["micro_picture"] = f"![Ratios to the baseline, in process]({link('micro', '')})"
    return Report(_render(context), pictures)


def _hazards(runs: Runs) -> str:
    if runs.hazards is None:
        return ""
    return render_hazards(runs.hazards, reproductions=(runs.links or {}).get("reproductions", ""), level=3)


def _pictures(pictures: Mapping[tuple[str, str], str], link: Callable[[str, str], str]) -> Callable[[str, str], str]:
    def picture(name: str, words: str) -> str:
        return f"![{words}]({link('load', name)})" if ("load", name) in pictures else "*(No picture: nothing was compared.)*"

    return picture


def _render(context: Mapping[str, Any]) -> str:
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    texts = (environment.from_string(path.read_text("utf-8")).render(context) for path in sorted(SECTIONS.glob("*.jinja")))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(texts)).rstrip() + "\n"


def _present(runs: Runs) -> dict[str, Any]:
    return {kind: run for kind in TITLES if (run := getattr(runs, kind)) is not None}


def _warnings(runs: Runs) -> list[str]:
    """A line for each run that did not come to its end, or that nobody can repeat."""
    found = []
    if runs.load and (done := load_part.done(runs.load)) < (planned := load_part.expected(runs.load)):
        if load_part.interrupted(runs.load):
            found.append(f"The run under load was interrupted: {done} of {planned} trials. What follows rests on these.")
        else:
            found.append(
                f"{planned - done} of {planned} trials under load have no result: no request both began and ended in their time,"
                f" too short for this machine ({', '.join(load_part.unanswered(runs.load))})."
            )
    if runs.micro and (done := len(runs.micro.trials)) < (planned := micro_part.expected(runs.micro)):
        found.append(f"The run in process ended early: {done} of {planned} trials.")
    if runs.instructions and (done := len(runs.instructions.cells)) < (planned := len(runs.instructions.header.cells)):
        found.append(f"The exact counts ended early: {done} of {planned} cells.")
    found += [
        f"{WHAT[kind].capitalize()} with code that was not committed: {run.header.environment['commit']}."
        for kind, run in _present(runs).items()
        if (run.header.environment["commit"] or "").endswith("+")
    ]
    return found


def _part(kind: str, run: Any, raw: str) -> dict[str, Any]:
    header = run.header
    own = {
        "load": lambda: terms_part.lines(run),
        "micro": lambda: micro_part.lines(run),
        "hazards": lambda: [f"{len(header.hazards)} hazards, {len(run.sides)} sides, each in a process of its own"],
        "instructions": lambda: [f"{header.repeats} repeats; {header.books:,} books in each database"],
    }
    return {
        "title": TITLES[kind],
        "machine": header.environment,
        "databases": {
            prose.DATABASES.get(name, name): ", ".join(
                [facts["version"], *(f"{k} {v}" for k, v in facts.items() if k != "version")]
            )
            for name, facts in getattr(header, "databases", {}).items()
        },
        "lines": own[kind](),
        "started": header.started,
        "command": header.command or COMMANDS[kind],
        "raw": raw,
    }
