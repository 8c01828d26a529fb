"""What the verdicts of the load benchmark say, in sentences, and no more. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from benchmarks.raw import NO_DATABASE
from benchmarks.raw.load import Run
from benchmarks.report.load_pictures import delay
from benchmarks.report.load_summary import Comparison, Row, deciding, pooled
from benchmarks.report.numbers import interval, ratio, reach
from benchmarks.report.prose import DATABASES
from benchmarks.report.tables import reason
from benchmarks.stats import MARGIN, Estimate, Verdict

OURS = ("async-native", "async-loop")
SAME_DRIVER = "async-native-psycopg"
"""Which has the driver of the baseline: it tells the driver from the model."""
STOCK = ("async-documented", "async-documented-nullpool", "async-wsgi-to-asgi")
WORDS = {
    Verdict.BETTER: "less in",
    Verdict.WORSE: "more in",
    Verdict.SAME: f"the same within {100 * MARGIN:.0f} % in",
    Verdict.INCONCLUSIVE: "undecided in",
}
"""Of CPU time."""
POOLED = {
    Verdict.BETTER: "less",
    Verdict.WORSE: "more",
    Verdict.SAME: f"the same within {100 * MARGIN:.0f} %",
    Verdict.INCONCLUSIVE: "undecided",
}


SPECIAL = ("fan-out", "bulk", "export")
"""Scenarios that are not what a server does all day."""


def ordinary(run: Run, comparisons: Sequence[Comparison], database: str) -> list[Comparison]:
    """Single reads and writes, lists, and their mix, at the deciding load."""
    return [one for one in plain(run, comparisons, database) if one.scenario not in SPECIAL]


def plain(run: Run, comparisons: Sequence[Comparison], database: str) -> list[Comparison]:
    """Scenarios whose queries do not wait, at the deciding load."""
    return [one for one in deciding(comparisons) if one.database == database and delay(run, one.scenario) is None]


def answer(run: Run, comparisons: Sequence[Comparison]) -> list[str]:
    """The three sentences: requests that wait for little, requests that wait, what documentation says to do."""
    sentences = [_plain_sentence(run, comparisons), _waiting_sentence(run, comparisons), _stock_sentence(run, comparisons)]
    return [sentence for sentence in sentences if sentence]


def _plain_sentence(run: Run, comparisons: Sequence[Comparison]) -> str | None:
    parts = []
    verdicts: dict[str, dict[str, Verdict]] = {}
    drivers: dict[str, Verdict] = {}
    for database, title in DATABASES.items():
        chosen = ordinary(run, comparisons, database)
        found = {name: one for name in OURS if (one := pooled(chosen, name, run.header.control, "cpu"))}
        if found:
            said = ", ".join(f"`{name}` {interval(one.estimate)} ({POOLED[one.verdict]})" for name, one in found.items())
            if same := pooled(chosen, SAME_DRIVER, run.header.control, "cpu"):
                drivers[title] = same.verdict
                scenarios = ", ".join(same.scenarios)
                said += (
                    f", on the baseline's driver `{SAME_DRIVER}` {interval(same.estimate)} ({POOLED[same.verdict]}; {scenarios})"
                )
            verdicts[title] = {name: one.verdict for name, one in found.items()}
            parts.append(f"on {title} {said}, the A/A control reaching {reach(next(iter(found.values())).floor)}")
    if not parts:
        return None
    return (
        f"**{_plain_headline(verdicts, drivers)}.** One row read or written, lists, a mix, all of them taken together, cost the"
        f" server in CPU time, driver and HTTP server included, as a multiple of `{run.header.baseline}`: {'; '.join(parts)}."
    )


def _plain_headline(verdicts: Mapping[str, Mapping[str, Verdict]], drivers: Mapping[str, Verdict]) -> str:
    """What holds for the runtime's models, by database; `drivers` is what holds on the baseline's driver."""
    parts = []
    for database, found in verdicts.items():
        said = []
        for verdict, word in ((Verdict.BETTER, "cheaper"), (Verdict.WORSE, "dearer")):
            names = [f"`{name}`" for name, one in found.items() if one is verdict]
            if names:
                said.append(word if len(names) == len(found) else f"{word} with {' and '.join(names)}")
        nothing = "neither cheaper nor dearer" if set(found.values()) == {Verdict.SAME} else "not shown to be cheaper or dearer"
        only = found.get("async-native") is Verdict.BETTER and drivers.get(database, Verdict.BETTER) is not Verdict.BETTER
        parts.append(f"{' and '.join(said) or nothing} on {database}{', but not on the same driver' if only else ''}")
    return f"By this runtime, async requests that hardly wait are {'; '.join(parts)}"


def _stock_sentence(run: Run, comparisons: Sequence[Comparison]) -> str | None:
    parts = [part for name in STOCK if (part := _on_databases(run, comparisons, name))]
    if not parts:
        return None
    rows = [row for one in comparisons for name in STOCK if (row := one.row(name)) and (row.problem or row.measured)]
    failing = any(row.problem for row in rows)
    dearer = {one.verdict for row in rows if not row.problem and (one := row.measured.get("cpu"))} == {Verdict.WORSE}
    headline = (
        "fails or costs more in every scenario tried"
        if failing and dearer
        else "fails in some scenarios"
        if failing
        else "answers right"
    )
    return f"**As documented upstream, async {headline}.** Server CPU time likewise: {'; '.join(parts)}."


def _on_databases(run: Run, comparisons: Sequence[Comparison], name: str) -> str:
    """What is said of a contender on each database."""
    said = []
    for database, title in DATABASES.items():
        chosen = plain(run, comparisons, database)
        rows = [(one, row) for one in chosen if (row := one.row(name)) and (row.problem or row.measured)]
        if rows:
            said.append(f"on {title} {tally(rows)}")
    return f"`{name}` {', and '.join(said)}" if said else ""


def tally(rows: Sequence[tuple[Comparison, Row]]) -> str:
    """In how many scenarios CPU time is less, more, the same; which are undecided, which fail."""
    parts = []
    for verdict, said in WORDS.items():
        found = [
            measured.estimate
            for _, row in rows
            if (measured := row.measured.get("cpu")) and measured.verdict is verdict and measured.estimate
        ]
        if found:
            parts.append(f"{said} {len(found)} of {len(rows)} scenarios{_span(found, verdict)}")
    if problems := [reason(row.problem) for _, row in rows if row.problem]:
        common, count = Counter(problems).most_common(1)[0]
        mostly = "" if count == len(problems) else "mostly "
        parts.append(f"fails in {len(problems)} of {len(rows)} scenarios ({mostly}“{common}”)")
    return ", ".join(parts) or "nothing to compare with"


def _span(found: Sequence[Estimate], verdict: Verdict) -> str:
    if verdict is Verdict.INCONCLUSIVE:
        return ""
    if len(found) == 1:
        return f" ({interval(found[0])})"
    return f" ({ratio(min(one.low for one in found))} to {ratio(max(one.high for one in found))} times)"


def sweep(run: Run, comparisons: Sequence[Comparison]) -> dict[int, dict[float, Comparison]]:
    """The comparisons whose queries wait: by connections, then by milliseconds, both rising."""
    found: dict[int, dict[float, Comparison]] = {}
    for one in comparisons:
        waits = delay(run, one.scenario)
        if waits is not None and one.load.percent is None:
            found.setdefault(one.load.connections, {})[waits] = one
    return {connections: dict(sorted(found[connections].items())) for connections in sorted(found)}


def crossing(by_delay: dict[float, Comparison], name: str) -> float | None:
    """The wait from which on, at every longer one too, the contender serves more; None where there is none."""
    start = None
    for waits, one in sorted(by_delay.items(), reverse=True):
        if one.verdict(name, "throughput") is not Verdict.BETTER:
            break
        start = waits
    return start


def _waiting_sentence(run: Run, comparisons: Sequence[Comparison]) -> str | None:
    found = sweep(run, comparisons)
    if not found:
        return None
    connections, by_delay = list(found.items())[-1]
    longest = max(by_delay)
    last = by_delay[longest]
    parts = []
    for name in [row.contender for row in last.rows if row.contender != run.header.baseline]:
        row = last.row(name)
        measured = row.measured.get("throughput") if row else None
        if measured and measured.estimate and measured.verdict:
            start = crossing(by_delay, name)
            since = "" if start is None or start == longest else f", more from {start:g} ms on"
            verdict = {Verdict.BETTER: "", Verdict.WORSE: " (less)"}.get(measured.verdict, f" ({measured.verdict.value})")
            parts.append(f"`{name}` {interval(measured.estimate)}{verdict}{since}")
    if not parts:
        return None
    threads = run.header.contenders[run.header.baseline]["concurrency"]
    return (
        f"**{_waiting_headline(run, last)}.** With {connections} connections and a query that waits {longest:g} ms, requests a"
        f" second as a multiple of `{run.header.baseline}` ({threads}) are: {'; '.join(parts)}."
    )


def _waiting_headline(run: Run, comparison: Comparison) -> str:
    serving = [
        row.contender
        for row in comparison.rows
        if row.contender != run.header.baseline and comparison.verdict(row.contender, "throughput") is Verdict.BETTER
    ]
    ours = " and ".join(f"`{name}`" for name in OURS if name in serving)
    others = " and ".join(f"`{name}`" for name in serving if name.startswith("sync"))
    if ours and others:
        return f"Where more requests wait than there are threads, {ours} serves more, and so does {others}"
    if ours or others:
        return f"Where more requests wait than there are threads, {ours or others} serves more"
    return "Where requests wait, nothing is shown to serve more of them"


def crossings(run: Run, comparisons: Sequence[Comparison]) -> list[str]:
    """For each contender and number of connections, from which wait on it serves more than the baseline."""
    found = sweep(run, comparisons)
    names = dict.fromkeys(row.contender for by in found.values() for one in by.values() for row in one.rows)
    lines = []
    for name in names:
        if name == run.header.baseline:
            continue
        parts = []
        for connections, by_delay in found.items():
            taking_part = {waits: one for waits, one in by_delay.items() if (row := one.row(name)) and row.measured}
            if taking_part:
                start = crossing(taking_part, name)
                where = (
                    "at none of the waits tried" if start is None else "at every wait tried" if start == min(taking_part) else ""
                )
                parts.append(f"{where or f'from {start:g} ms on'} with {connections} connections")
        if parts:
            lines.append(f"`{name}` is shown to serve more {', '.join(parts)}.")
    return lines


def failures(run: Run) -> list[list[str]]:
    """Contender, database, how it failed, where: what answered wrong, crashed, hung, alone or under load."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for check in run.checks:
        if check.problem and check.problem != "nothing is right alone":
            what = "several requests at once" if check.scenario == "together" else check.scenario
            found.setdefault((check.contender, check.database, reason(check.problem)), []).append(what)
    for failure in run.failures:
        place = (failure.contender, failure.database, reason(failure.problem))
        found.setdefault(place, []).append(f"{failure.scenario} under load ({failure.load})")
    names = {**DATABASES, NO_DATABASE: "no database"}
    order = list(run.header.contenders)
    return [
        [f"`{name}`", names[database], problem, ", ".join(dict.fromkeys(places))]
        for (name, database, problem), places in sorted(found.items(), key=lambda one: (order.index(one[0][0]), one[0][1]))
    ]
