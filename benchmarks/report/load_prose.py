"""What the verdicts of the load benchmark say, in sentences, and no more. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.analysis.estimate import Estimate
from benchmarks.analysis.verdict import MARGIN, Verdict
from benchmarks.raw.load import Run
from benchmarks.raw.problem import Problem
from benchmarks.report.load_pictures import NAMES
from benchmarks.report.load_summary import Comparison, Pooled, Row, deciding, delay, ordinary, pooled
from benchmarks.report.numbers import control, interval, listed, plural, ratio, span, three
from benchmarks.report.prose import DATABASES
from benchmarks.report.tables import reason
from benchmarks.subjects.contenders import THREADS
from benchmarks.subjects.profiles import REPAIRED, SAME_DRIVER, SAME_SERVER_AND_DRIVER, STOCK

OURS = ("async-native", "async-loop")
BESIDE = {
    SAME_DRIVER: "with the baseline's driver",
    SAME_SERVER_AND_DRIVER: "with the baseline's server and driver",
    "sync-gevent": "without async views",
}
"""Who is named beside them, and why: the first two tell driver and server from the model, the last is less of a change."""
WORDS = {
    **{verdict: f"{verdict} in" for verdict in Verdict if verdict.gains or verdict.loses},
    Verdict.SAME: f"the same within {100 * MARGIN:.0f} % in",
    Verdict.UNDECIDED: "undecided in",
}


SERVED = {
    "more": [verdict for verdict in Verdict if verdict.gains],
    "less": [verdict for verdict in Verdict if verdict.loses],
    "the same": [Verdict.SAME],
}


@dataclass(frozen=True)
class Sentence:
    """What holds, and the numbers that it rests on."""

    headline: str
    numbers: str


def answer(run: Run, comparisons: Sequence[Comparison]) -> list[Sentence]:
    """The three sentences: requests that wait for little, requests that wait, what documentation says to do."""
    sentences = [_plain_sentence(run, comparisons), _waiting_sentence(run, comparisons), _stock_sentence(run, comparisons)]
    return [sentence for sentence in sentences if sentence]


def _plain_sentence(run: Run, comparisons: Sequence[Comparison]) -> Sentence | None:
    parts, found = [], {}
    for database, title in DATABASES.items():
        chosen, ours = _named(run, comparisons, database, OURS)
        if ours:
            scenarios = ", ".join(one.scenario for one in chosen)
            said = _taken_together(ours, chosen)
            parts.append(f"on {title} ({scenarios}) {said}, the A/A control {control(next(iter(ours.values())).control)}")
            beside = _named(run, comparisons, database, BESIDE)[1]
            loads = " or ".join(str(count) for count in sorted({one.load.connections for one in chosen}))
            where = f"{title} with {loads} connection{'' if loads == '1' else 's'}"
            found[where] = {name: one.verdict for name, one in {**ours, **beside}.items()}
    if not parts:
        return None
    return Sentence(
        f"**{_plain_headline(run, found)}.**",
        f"The scenarios named taken together, CPU time as a multiple of `{run.header.baseline}`: {'; '.join(parts)}.",
    )


def together(run: Run, comparisons: Sequence[Comparison]) -> Iterator[tuple[str, str, Pooled]]:
    """What the first sentence says: database, contender, and its CPU time over the ordinary scenarios."""
    for database in DATABASES:
        for name, one in _named(run, comparisons, database, OURS)[1].items():
            yield database, name, one


def beside(run: Run, comparisons: Sequence[Comparison]) -> str:
    """What the same requests cost those who share more with the baseline than the runtime's models do, if anybody does."""
    parts = []
    for database, title in DATABASES.items():
        chosen, found = _named(run, comparisons, database, BESIDE)
        if found:
            parts.append(f"on {title}, {_taken_together(found, chosen)}")
    question = "How much of the first is async, how much server and driver?"
    return f"{question} The same requests, as the same multiples: {'; '.join(parts)}." if parts else ""


def _named(
    run: Run, comparisons: Sequence[Comparison], database: str, names: Iterable[str]
) -> tuple[Sequence[Comparison], dict[str, Pooled]]:
    """The ordinary comparisons on a database, and what they are together for each of the contenders that is in any."""
    chosen = ordinary(run, comparisons, database)
    return chosen, {name: one for name in names if (one := pooled(chosen, name, "cpu"))}


def _taken_together(found: Mapping[str, Pooled], chosen: Sequence[Comparison]) -> str:
    """Ratios and verdicts; in which scenarios each is better or worse by itself, and of which they are if not of all."""
    said = []
    for name, one in found.items():
        words = [one.verdict.value]
        if len(one.scenarios) < len(chosen):
            words.append(f"over {', '.join(one.scenarios)} only")
        for verdict in WORDS if len(one.scenarios) > 1 else ():
            alone = [each.scenario for each in chosen if each.verdict(name, "cpu") is verdict]
            if alone and (verdict.gains or verdict.loses):
                words.append(f"by itself {verdict.value} in {'all' if len(alone) == len(chosen) else ', '.join(alone)}")
        before = f"{BESIDE[name]} " if name in BESIDE else ""
        said.append(f"{before}`{name}` {interval(one.estimate)} ({'; '.join(words)})")
    return ", ".join(said)


def _plain_headline(run: Run, found: Mapping[str, Mapping[str, Verdict]]) -> str:
    """What holds for the runtime's models, by database and load, and of a gain with the baseline's driver."""
    parts = []
    for where, verdicts in found.items():
        ours = {name: verdicts[name] for name in OURS if name in verdicts}
        said = []
        for kind, word in (("gains", "less"), ("loses", "more")):
            if names := [f"`{name}`" for name, one in ours.items() if getattr(one, kind)]:
                said.append(f"{word} server CPU time with {' and '.join(names)}")
        if said:
            parts.append(f"take {' and '.join(said)} on {where}{_aside(verdicts)}")
        elif set(ours.values()) == {Verdict.SAME}:
            parts.append(f"take the same server CPU time on {where}")
        else:
            parts.append(f"are not shown to differ in server CPU time on {where}")
    baseline = run.header.baseline
    threads = run.header.contenders[baseline]["concurrency"]
    return f"Compared with `{baseline}` (synchronous views on {threads}), ordinary requests under load {', and '.join(parts)}"


def _aside(verdicts: Mapping[str, Verdict]) -> str:
    """What is left of a gain of `async-native` with the baseline's driver."""
    driver = verdicts.get(SAME_DRIVER)
    native = verdicts.get("async-native")
    if native is None or driver is None or not native.gains or driver.gains:
        return ""
    word = "more" if driver.loses else "no less" if driver is Verdict.SAME else "not shown to be less"
    return f" ({word} with the baseline's driver)"


def _stock_sentence(run: Run, comparisons: Sequence[Comparison]) -> Sentence | None:
    chosen = deciding(comparisons)
    parts = [part for name in STOCK if (part := _on_databases(run, chosen, name))]
    if not parts:
        return None
    documented, repaired = (
        [row for one in comparisons for name in names if (row := one.row(name)) and (row.problem or row.measured)]
        for names in ([name for name in STOCK if name != REPAIRED], [REPAIRED])
    )
    headline = f"async {_outcome(documented) or 'was not tried'}"
    if outcome := _outcome(repaired):
        headline += f"; repaired, without a pool, it {outcome}"
    tried = [
        f"{on(title)} {', '.join(scenarios)}"
        for database, title in NAMES.items()
        if (scenarios := [one.scenario for one in chosen if one.database == database and any(one.row(name) for name in STOCK)])
    ]
    ratios = f"Server CPU time for a request, as a multiple of `{run.header.baseline}`, tried {listed(tried)}"
    return Sentence(f"**As Flask and Advanced Alchemy document it, {headline}.**", f"{ratios}: {'; '.join(parts)}.")


def on(title: str) -> str:
    """On PostgreSQL; without a database."""
    return f"on {title}" if title in DATABASES.values() else "without a database"


def _outcome(rows: Sequence[Row]) -> str:
    """In how many rows it fails, or costs more; empty where there are none."""
    failing = sum(bool(row.problem) for row in rows)
    judged = [one.verdict for row in rows if (one := row.measured.get("cpu")) and not row.problem]
    costly = sum(verdict is not None and verdict.loses for verdict in judged)
    if not failing + costly:
        return "answers right" if rows else ""
    verbs = [verb for verb, count in (("fails", failing), ("costs more", costly)) if count]
    if failing + costly == len(rows):
        return f"{' or '.join(verbs)} in every scenario tried"
    return f"fails in {failing} and costs more in {costly} of {plural(len(rows), 'case')}"


def _on_databases(run: Run, chosen: Sequence[Comparison], name: str) -> str:
    """What is said of a contender on each database, and without one."""
    said = []
    for database, title in NAMES.items():
        here = [one for one in chosen if one.database == database]
        rows = [(one, row) for one in here if (row := one.row(name)) and (row.problem or row.measured)]
        if rows:
            said.append(f"{on(title)} {tally(rows)}")
    if not said:
        return ""
    connections, usual = (run.header.contenders[one]["connections"] for one in (name, run.header.baseline))
    return f"`{name}`{'' if connections == usual else f' ({connections})'} {', and '.join(said)}"


def tally(rows: Sequence[tuple[Comparison, Row]]) -> str:
    """In how many scenarios CPU time is better, worse, the same; which are undecided, which fail, and why most of them."""
    parts = []
    for verdict, said in WORDS.items():
        found = [
            measured.estimate
            for _, row in rows
            if (measured := row.measured.get("cpu")) and measured.verdict is verdict and measured.estimate
        ]
        if found:
            parts.append(f"{said} {len(found)} of {plural(len(rows), 'scenario')}{_span(found, verdict)}")
    if problems := [reason(row.problem.last) for _, row in rows if row.problem]:
        common, count = Counter(problems).most_common(1)[0]
        also = "" if count == len(problems) else ", among others"
        parts.append(f"fails in {len(problems)} of {plural(len(rows), 'scenario')} (“{common}”{also})")
    return ", ".join(parts) or "nothing to compare with"


def _span(found: Sequence[Estimate], verdict: Verdict) -> str:
    if verdict is Verdict.UNDECIDED:
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


def _waiting_sentence(run: Run, comparisons: Sequence[Comparison]) -> Sentence | None:
    found = sweep(run, comparisons)
    if not found:
        return None
    connections, by_delay = list(found.items())[-1]
    longest = max(by_delay)
    last = by_delay[longest]
    parts = []
    for row in last.rows:
        measured = row.measured.get("throughput")
        if measured and measured.estimate and measured.verdict:
            parts.append(f"`{row.contender}` {interval(measured.estimate)} ({measured.verdict})")
    if not parts:
        return None
    threads = run.header.contenders[run.header.baseline]["concurrency"]
    return Sentence(
        f"**{_waiting_headline(connections, by_delay)}.**",
        f"With {connections} connections and a query that waits {longest:g} ms,"
        f" requests a second as a multiple of `{run.header.baseline}` ({threads}) are: {'; '.join(parts)}, the A/A control"
        f" {control(last.control.get('throughput'))}.",
    )


def _waiting_headline(connections: int, by_delay: Mapping[float, Comparison]) -> str:
    """Who serves more where the wait is longest, and at which waits nobody does."""
    longest = max(by_delay)
    serving = _serving(by_delay[longest])
    where = f"With {connections} connections and queries that wait {longest:g} ms"
    if not serving:
        return f"{where}, nothing is shown to serve more requests"
    ours, others = [f"`{name}`" for name in OURS if name in serving], [f"`{name}`" for name in serving if name not in OURS]
    said = f"{listed(ours or others)} {'serve' if len(ours or others) > 1 else 'serves'} more requests"
    if ours and others:
        said += f", and so {'do' if len(others) > 1 else 'does'} {listed(others)}"
    without = [f"{waits:g} ms" for waits, one in by_delay.items() if 0 < waits < longest and not _serving(one)]
    return f"{where}, {said}" + (f"; at {listed(without)} no gain is shown" if without else "")


def _serving(one: Comparison) -> list[str]:
    """The contenders that serve more requests a second."""
    return [row.contender for row in one.rows if (found := one.verdict(row.contender, "throughput")) and found.gains]


def limit(run: Run, comparisons: Sequence[Comparison]) -> str:
    """What the baseline's threads can serve at each wait, and its core without one; empty where that was not measured."""
    found = sweep(run, comparisons)
    free = [row for by_delay in found.values() if 0 in by_delay and (row := by_delay[0].row(run.header.baseline))]
    full = sorted(statistics.median(row.measured["throughput"].values) for row in free if "throughput" in row.measured)
    if not full:
        return ""
    delays = sorted({waits for by_delay in found.values() for waits in by_delay if waits})
    most = listed([f"{1000 * THREADS / waits:,.0f} at {waits:g} ms" for waits in delays])
    return (
        f"{THREADS} threads serve at most {most}, in requests a second; without a wait its core is full at"
        f" {span([three(one) for one in full])} (medians, by connections)."
    )


def crossings(run: Run, comparisons: Sequence[Comparison]) -> list[str]:
    """For each contender and number of connections, at which of the waits it serves more, less or as much as the baseline."""
    found = sweep(run, comparisons)
    names = dict.fromkeys(row.contender for by in found.values() for one in by.values() for row in one.rows)
    lines = []
    for name in names:
        parts = []
        for connections, by_delay in found.items() if name != run.header.baseline else ():
            tried = {waits: one.verdict(name, "throughput") for waits, one in by_delay.items()}
            told = [
                f"{word} at {listed([f'{waits:g}' for waits in at])} ms"
                for word, verdicts in SERVED.items()
                if (at := [waits for waits, one in tried.items() if one in verdicts])
            ]
            if any(tried.values()):
                parts.append(f"{', '.join(told) or 'no verdict'} with {connections} connections")
        if parts:
            lines.append(f"`{name}`: {'; '.join(parts)}")
    return lines


def waits(run: Run, comparisons: Sequence[Comparison]) -> str:
    """The waits tried, such as 0, 10 and 50 ms."""
    return listed([f"{one:g}" for one in sorted({waits for by in sweep(run, comparisons).values() for waits in by})]) + " ms"


def failures(run: Run) -> list[list[str]]:
    """Contender, database, how it failed, where: what answered wrong, crashed, hung, alone or under load."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for check in run.checks:
        if check.problem and check.problem != Problem.unasked():
            what = "several requests at once" if check.scenario == "together" else check.scenario
            found.setdefault((check.contender, check.database, reason(check.problem)), []).append(what)
    for failure in run.failures:
        place = (failure.contender, failure.database, reason(failure.problem))
        found.setdefault(place, []).append(f"{failure.scenario} under load ({failure.load})")
    order = list(run.header.contenders)
    return [
        [f"`{name}`", NAMES[database], problem, ", ".join(dict.fromkeys(places))]
        for (name, database, problem), places in sorted(found.items(), key=lambda one: (order.index(one[0][0]), one[0][1]))
    ]
