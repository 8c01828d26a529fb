"""The report of the load benchmark: numbers checked by hand, and what it says of known effects, failures and flags."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.analysis.cells import CLOCK
from benchmarks.analysis.instructions import Row
from benchmarks.analysis.verdict import Verdict
from benchmarks.load import Histogram
from benchmarks.raw.load import Ceiling, Cell, Crosscheck, Failure, Load, Run, Trial, read
from benchmarks.raw.problem import Problem
from benchmarks.report import choice, exact_part, heat, limits_part, load_prose, tables, validity_part
from benchmarks.report.document import Report, Runs, build
from benchmarks.report.latency import percentile, shown
from benchmarks.report.load_summary import Comparison, deciding, pooled, summarize
from benchmarks.report.verdicts import show_load
from benchmarks.subjects.profiles import PROFILES
from benchmarks.subjects.profiles import cells as cells_of
from benchmarks.under_load.ceiling import CONNECTIONS
from benchmarks.under_load.runner import CROSSCHECK_SECONDS
from benchmarks.under_load.trial import FEWEST

from .report_data import CONTENDERS, SCENARIOS, cells, few_cells, header, marred, record, run_of, slices, trial

SVG = "{http://www.w3.org/2000/svg}"
READ = Cell("postgresql", "read", Load(32), 6, 5.0, 4, tuple(CONTENDERS))


@pytest.fixture(scope="module")
def whole() -> Run:
    return run_of(cells())


@pytest.fixture(scope="module")
def summary(whole: Run) -> list[Comparison]:
    return summarize(whole)


@pytest.fixture(scope="module")
def report(whole: Run) -> Report:
    return report_of(whole)


@pytest.fixture(scope="module")
def spoilt(whole: Run) -> Run:
    return marred(replace(whole, failures=[], trials=list(whole.trials)))


@pytest.fixture(scope="module")
def spoilt_report(spoilt: Run) -> Report:
    return report_of(spoilt)


def report_of(run: Run) -> Report:
    return build(Runs(load=run, links={"load": "raw/load.jsonl"}), lambda kind, name: f"raw/{kind}-{name}.svg")


def section(text: str, number: int) -> str:
    return text.partition(f"\n## {number}. ")[2].partition("\n## ")[0]


def only(run: Run) -> Comparison:
    (comparison,) = summarize(run)
    return comparison


def by_hand(cpu: dict[str, list[float]], seconds: float = 5.0, cell: Cell = READ) -> Run:
    """A run whose trials have 1,000 requests each, of so many CPU seconds together."""
    cell = replace(cell, contenders=tuple(cpu))
    one = trial(cell.database, cell.scenario, cell.load, "async-native", 1, None, {"async-native": 1.0})
    latency = {"read": Histogram.of([0.01] * 1000)}
    trials = [
        replace(one, contender=name, round=number + 1, slices=slices(seconds, value, answered=1000), latency=latency)
        for name, values in cpu.items()
        for number, value in enumerate(values)
    ]
    return Run(header([cell]), trials=trials)


def test_the_ratio_and_its_interval_are_those_worked_out_by_hand() -> None:
    """Logs of 1.1, 1.2, 1.3: mean 0.18000, standard deviation 0.083551, t(2) 4.302653, so a half-width of 0.207552."""
    one = only(by_hand({"sync-threads": [2.0, 4.0, 1.0], "async-loop": [2.2, 4.8, 1.3]}))
    row = one.row("async-loop")
    assert row
    estimate = row.measured["cpu"].estimate
    assert estimate
    assert (estimate.ratio, estimate.low, estimate.high) == pytest.approx((1.19722, 0.97282, 1.47336), rel=1e-4)
    assert row.measured["cpu"].values == pytest.approx((0.0022, 0.0048, 0.0013))
    assert row.measured["throughput"].values == (200.0, 200.0, 200.0)
    assert row.measured["throughput"].verdict is Verdict.SAME
    assert "| `async-loop` | 2,200 | 1.20 [0.97, 1.47] undecided | 200 | 1.00 [1.00, 1.00] same |" in tables.verdicts([one])


def test_rounds_that_one_of_both_missed_are_left_out() -> None:
    run = by_hand({"sync-threads": [1.0, 1.0, 1.0, 9.0], "async-loop": [2.0, 2.0, 2.0]})
    run.trials.pop(0)
    row = only(run).row("async-loop")
    assert row
    estimate = row.measured["cpu"].estimate
    assert estimate
    assert estimate.ratio == pytest.approx(2.0)
    assert estimate.restarts == 2


def test_the_drift_of_the_machine_is_said() -> None:
    """The core was half as fast in the second round, for all alike: the ratio does not move."""
    run = by_hand({"sync-threads": [1.0, 2.0, 1.0], "async-loop": [1.5, 3.0, 1.5]})
    row = only(run).row("async-loop")
    assert row
    estimate = row.measured["cpu"].estimate
    assert estimate
    assert (estimate.ratio, estimate.low, estimate.high) == pytest.approx((1.5, 1.5 / math.exp(CLOCK), 1.5 * math.exp(CLOCK)))
    assert "over that in its cheapest: 2.00 in the median comparison, 2.00 in the worst" in report_of(run).markdown


def test_scenarios_taken_together_weigh_the_same() -> None:
    one = only(by_hand({"sync-threads": [1.0, 1.0], "sync-threads-aa": [1.0, 1.0], "async-loop": [2.0, 2.0]}))
    other = only(by_hand({"sync-threads": [1.0, 1.0, 1.0], "sync-threads-aa": [1.0] * 3, "async-loop": [8.0, 8.0, 8.0]}))
    found = pooled([one, other], "async-loop", "cpu")
    assert found
    assert (found.estimate.ratio, found.estimate.half_width) == pytest.approx((4.0, CLOCK))
    assert (found.estimate.slices, found.estimate.restarts) == (10, 2)
    assert found.control
    assert found.control.ratio == pytest.approx(1.0)
    assert found.verdict is Verdict.WORSE
    assert pooled([one], "async-native", "cpu") is None


def test_scenarios_taken_together_are_those_of_two_rounds() -> None:
    """One round says nothing of the next, and would take what the others say away."""
    one = only(by_hand({"sync-threads": [1.0, 1.0], "async-loop": [2.0, 2.0]}))
    short = only(by_hand({"sync-threads": [1.0, 1.0], "async-loop": [8.0]}))
    found = pooled([one, short], "async-loop", "cpu")
    assert found
    assert (found.scenarios, found.control, found.verdict) == (("read",), None, Verdict.WORSE)
    assert found.estimate.ratio == pytest.approx(2.0)
    assert pooled([short], "async-loop", "cpu") is None


def test_more_requests_a_second_are_better_and_more_cpu_time_is_worse() -> None:
    one = only(run_of([replace(READ, contenders=("sync-threads", "sync-threads-aa", "async-native", "async-loop"))]))
    assert one.verdict("async-native", "cpu") is one.verdict("async-native", "throughput") is Verdict.BETTER
    assert one.verdict("async-loop", "cpu") is one.verdict("async-loop", "throughput") is Verdict.WORSE
    text = tables.verdicts([one])
    assert re.search(r"`async-native` \| 1,275 \| 0\.85 \[0\.84, 0\.86\] \*\*better\*\* \| 784 \| 1\.18 \[.*\*\*bett", text)
    assert re.search(r"`async-loop` \| 1,800 \| 1\.20 \[[^|]*\*\*worse\*\* \| 556 \| 0\.83 \[.*\*\*worse\*\*", text)


def test_a_baseline_that_differs_from_itself_widens_every_interval() -> None:
    loads = [replace(READ, load=Load(connections)) for connections in (1, 2, 4, 8, 16, 32)]
    calm, odd = (summarize(run_of(loads, effects={"sync-threads-aa": effect})) for effect in (1.0, 1.04))
    text = section(report_of(run_of(loads, effects={"sync-threads-aa": 1.04})).markdown, 9)
    said = re.search(r"CPU time per request: 0 of 6 intervals contain 1, too few .*: all are widened by (\d+\.\d+)\.", text)
    assert said
    assert sum(one.control["cpu"].contains(1) for one in odd) >= 5
    for before, after in zip(calm, odd, strict=True):
        first, second = (one.result.estimate("async-loop", "cpu") for one in (before, after))
        assert first
        assert second
        assert second.half_width > 0.5 * float(said[1]) * first.half_width


def test_a_control_that_is_the_baseline_again_is_sound_and_changes_no_verdict(report: Report) -> None:
    text = section(report.markdown, 9)
    for quantity in ("CPU time per request", "requests a second"):
        found = re.search(rf"- A/A control, {quantity}: (\d+) of (\d+) intervals contain 1, as intervals of 95 % may", text)
        assert found
        assert int(found[1]) >= 0.9 * int(found[2]) > 20
    assert re.search(r"- Of \d,?\d+ comparisons as many as \d+\.?\d* may have a false verdict", text)


def test_the_answer_counts_wins_and_losses_alike(whole: Run, summary: list[Comparison]) -> None:
    sentences = load_prose.answer(whole, summary)
    assert [one.headline for one in sentences] == [
        (
            "**Compared with `sync-threads` (synchronous views on 4 threads), ordinary requests under load take less server CPU"
            " time with `async-native` and more server CPU time with `async-loop` on PostgreSQL with 32 or 128 connections (no"
            " less with the baseline's driver), and take more server CPU time with `async-native` and `async-loop` on SQLite with"
            " 32 or 128 connections.**"
        ),
        (
            "**With 128 connections and queries that wait 50 ms, `async-native` serves more requests, and so do"
            " `sync-threads-64`, `sync-gevent` and `async-native-psycopg`.**"
        ),
        (
            "**As Flask and Advanced Alchemy document it, async fails or costs more in every scenario tried; repaired, without a"
            " pool, it costs more in every scenario tried.**"
        ),
    ]
    ordinary, waiting, stock = (one.numbers for one in sentences)
    scenarios = r"\(read, list, create, update, mixed\)"
    ours = (
        r"`async-native` 0\.85 \[[^]]*\] \(better; by itself better in all\),"
        r" `async-loop` 1\.20 \[[^]]*\] \(worse; by itself worse in all\)"
    )
    assert re.search(rf"on PostgreSQL {scenarios} {ours}", ordinary)
    own = load_prose.beside(whole, summary)
    assert re.search(
        r"on PostgreSQL, with the baseline's driver `async-native-psycopg` 1\.0\d \[.*without async views `sync-gevent`", own
    )
    assert re.search(
        rf"on SQLite {scenarios} `async-native` 1\.70 \[[^]]*\] \(worse; .*`async-loop` 2\.40 \[[^]]*\] \(worse; ", ordinary
    )
    assert "With 128 connections and a query that waits 50 ms" in waiting
    assert re.search(r"`sync-threads-64` 8\.68 \[.*`async-native` 10\.8 \[10\.8, 10\.9\] \(better\)", waiting)
    assert "`async-loop` 0.99 [0.99, 1.00] (same)" in waiting
    assert (
        "tried on PostgreSQL read, list, create, update, mixed, fan-out, bulk, export, slow-0, slow-1, slow-5, slow-10," in stock
    )
    assert (
        "bulk, export and without a database noop: `async-documented` on PostgreSQL fails in 14 of 14 scenarios (“500:" in stock
    )
    assert "`async-wsgi-to-asgi` on PostgreSQL worse in 14 of 14 scenarios" in stock
    assert "and without a database worse in 1 of 1 scenario (1.7" in stock


def test_the_headlines_claim_no_more_than_the_verdicts(whole: Run) -> None:
    """Nothing is worse or better than the baseline by more than the margin, and nothing fails."""
    run = run_of(few_cells(4), effects=dict.fromkeys(CONTENDERS, 1.0), failing=())
    ordinary, _, stock = (one.headline for one in load_prose.answer(run, summarize(run)))
    assert ordinary.endswith("ordinary requests under load take the same server CPU time on PostgreSQL with 128 connections.**")
    assert (
        stock == "**As Flask and Advanced Alchemy document it, async answers right; repaired, without a pool, it answers right.**"
    )
    unsure = by_hand({"sync-threads": [1.0, 1.0, 1.0], "async-native": [0.8, 1.3, 1.0]})
    assert "are not shown to differ in server CPU time on PostgreSQL" in load_prose.answer(unsure, summarize(unsure))[0].headline


def test_the_report_opens_with_answers_three_sentences_and_a_picture(report: Report) -> None:
    title, answers, what, *sentences, picture = report.markdown.partition("\n\n*What to see")[0].split("\n\n")
    assert title == "# Does async pay in Flask?"
    assert [line.split(" | ")[0] for line in answers.splitlines()[2:]] == [
        "| Async as documented, SQLite",
        "| Reads, SQLite, native",
    ]
    assert what.startswith("Ratios are of the server's CPU time for a request")
    assert [line.partition("**")[0] for line in "\n".join(sentences).splitlines()] == ["1. ", "2. ", "3. "]
    assert picture.startswith("![Every contender in every scenario")
    assert len(" ".join(sentences).split()) < 150


def test_counts_that_do_not_show_what_the_load_shows_are_said() -> None:
    run = run_of([READ])
    found = list(load_prose.together(run, summarize(run)))
    assert [(database, name, one.verdict.value) for database, name, one in found] == [
        ("postgresql", "async-native", "better"),
        ("postgresql", "async-loop", "worse"),
    ]

    def counts(native: float, loop: float) -> list[Row]:
        return [
            Row("postgresql", "read", name, None, 1e6 * ratio, ratio, None, {})
            for name, ratio in (("async-native", native), ("async-loop", loop))
        ]

    assert exact_part.doubt(counts(0.9, 1.2), found) == ""
    assert exact_part.doubt([], found) == ""
    assert exact_part.doubt(counts(1.01, 1.2), found) == (
        "Instructions counted in process do not show the gain of `async-native` on PostgreSQL (1.01 times the baseline's): they"
        " leave out waiting, processor caches and the server."
    )
    assert "and the loss of `async-loop` on PostgreSQL (1.04 times" in exact_part.doubt(counts(0.97, 1.04), found)


@pytest.mark.parametrize("chosen", [*PROFILES, "nobody documented", "baseline alone"])
def test_every_selection_of_contenders_has_a_report(chosen: str) -> None:
    """Those of the profiles, and less than any of them."""
    pair = ("sync-threads", "sync-threads-aa")
    names = {"nobody documented": (*pair, "async-native"), "baseline alone": pair}.get(chosen)
    planned = cells_of(PROFILES[chosen]) if names is None else [replace(READ, contenders=names)]
    known = [
        replace(cell, rounds=2, contenders=tuple(name for name in cell.contenders if name in CONTENDERS)) for cell in planned
    ]
    run = run_of(known)
    present = {name for cell in known for name in cell.contenders}
    run.header = replace(run.header, contenders={name: facts for name, facts in CONTENDERS.items() if name in present})
    text = report_of(run).markdown
    assert text.count("\n## ") == 11
    assert "| `sync-threads` |" in text


def test_what_waits_is_said_by_connections(whole: Run, summary: list[Comparison]) -> None:
    assert list(load_prose.sweep(whole, summary)[128]) == [0, 1, 5, 10, 20, 50]
    assert load_prose.waits(whole, summary) == "0, 1, 5, 10, 20 and 50 ms"
    lines = load_prose.crossings(whole, summary)
    shown = "more at 5, 10, 20 and 50 ms, less at 0 and 1 ms with 8 connections; more at 5, 10, 20 and 50 ms, less at 0 and 1 ms"
    assert any(line.startswith(f"`sync-gevent`: {shown}") for line in lines)


def test_rules_follow_from_the_verdicts(whole: Run, summary: list[Comparison]) -> None:
    rules = {rule.situation: rule for rule in choice.rules(whole, summary)}
    reading = rules["PostgreSQL: ordinary requests (read, list, create, update, mixed)"]
    assert reading.found["gains"] == ["async-native"]
    assert "async-loop" in reading.found["loses"]
    assert reading.found["fails"] == ["async-documented"]
    both = "; it needs both its driver and its server: neither `async-native-psycopg` nor `async-loop` gains"
    assert reading.follows == f"`async-native` gains{both}"
    assert reading.aside.startswith("same: `async-native-psycopg`; worse: `")
    assert reading.aside.endswith("`async-loop`; fails: `async-documented`")
    assert (
        rules["SQLite: ordinary requests (read, list, create, update, mixed)"].follows
        == "`sync-threads`: none of the others gains"
    )
    waiting = rules["queries that wait 50 ms, 8, 32 or 128 connections"]
    assert waiting.follows == "`sync-threads-64` is the smallest change that gains"
    few = run_of([replace(READ, scenario="slow-10", load=Load(4))], failing=[])
    (rule,) = choice.rules(few, summarize(few))
    assert rule.situation == "queries that wait 10 ms, 4 connections"
    assert "sync-threads-64" in rule.found["same"]
    near = run_of([READ], effects={"async-loop": 1.05, "async-native": 0.95}, failing=[])
    verdicts = [only(near).verdict(name, "cpu") for name in ("async-native", "async-loop")]
    assert verdicts == [Verdict.SLIGHTLY_BETTER, Verdict.SLIGHTLY_WORSE]
    found = choice.rules(near, summarize(near))[0]
    assert found.found["gains"] == ["async-native"]
    assert "async-loop" in found.found["loses"]
    unsure = by_hand({"sync-threads": [1.0] * 3, "async-native": [0.8, 1.3, 1.0], "async-loop": [1.02, 1.06, 1.04]})
    found = choice.rules(unsure, summarize(unsure))[0]
    assert found.found == {"no gain": ["async-loop"], "undecided": ["async-native"]}
    assert found.follows == "`sync-threads`: no gain is shown, though one of more than 5 % is possible"
    assert found.aside == "possible: `async-native`; no gain: `async-loop`"
    even = run_of([READ], effects=dict.fromkeys(("sync-threads-64", "async-native"), 0.7), failing=[])
    assert choice.rules(even, summarize(even))[0].follows == "`sync-threads-64` is the smallest change that gains"


@pytest.mark.parametrize(
    ("effects", "follows"),
    [
        (
            {"async-native": 0.7, "async-native-psycopg": 0.7},
            (
                "`async-native` is the smallest change that gains; it does not need its driver"
                " (`async-native-psycopg` gains too) and needs its server (`async-loop` does not gain)"
            ),
        ),
        (
            {"async-native": 0.7, "async-loop": 0.7},
            "`async-loop` is the smallest change that gains; it needs its driver (`async-native-psycopg` does not gain)",
        ),
        ({"async-native": 1.0, "async-loop": 0.7}, "`async-loop` gains"),
        ({"async-native": 1.0, "async-wsgi-to-asgi": 0.7}, "`async-wsgi-to-asgi` gains"),
    ],
)
def test_what_a_gain_needs_is_read_off_those_who_do_without(effects: dict[str, float], follows: str) -> None:
    run = run_of([READ], effects=effects, failing=[])
    rule = choice.rules(run, summarize(run))[0]
    assert rule.follows == follows
    assert ("gains too" in rule.aside) == ("smallest" in follows)


def test_what_is_slightly_better_is_said_and_drawn_so(capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of([READ], effects={"async-loop": 1.05, "async-native": 0.95}, failing=[])
    found = report_of(run)
    assert re.search(r"`async-native` \| [^|]* \| 0\.95 \[0\.9\d, 0\.9\d\] slightly better \|", section(found.markdown, 1))
    ordinary = load_prose.answer(run, summarize(run))[0]
    assert "take less server CPU time with `async-native` and more server CPU time with `async-loop`" in ordinary.headline
    assert re.search(r"`async-native` 0\.95 \[[^]]*\] \(slightly better\)", ordinary.numbers)
    for words, colour in (("△ 0.95", "blue"), ("▽ 1.05", "vermillion")):
        tile = found.pictures["load", "overview"].partition(f">{words}<")[0].rpartition("<rect")[2]
        assert f'fill="var(--{colour})" fill-opacity="{heat.SLIGHT}"' in tile
    show_load(run)
    assert re.search(r"async-native +0\.95 \[0\.9\d, 0\.9\d\] +slightly better", capsys.readouterr().out)


def test_what_is_undecided_may_be_needed() -> None:
    found = {"gains": ["async-native"], "undecided": ["async-native-psycopg"], "loses": ["async-loop"]}
    assert choice._follows("sync-threads", found) == (
        "`async-native` gains; it may need its driver (`async-native-psycopg` is not shown to gain)"
        " and needs its server (`async-loop` does not gain)"
    )


def test_a_contender_that_fails_is_a_row_everywhere_and_no_missing_one(spoilt: Run, spoilt_report: Report) -> None:
    text = spoilt_report.markdown
    assert "| `async-documented-nullpool` | PostgreSQL | 53300: too many clients already | read under load (closed-128) |" in text
    for number in (1, 4, 5):
        assert re.search(r"`async-documented` \| \*\*fails\*\* \| 500: RuntimeError", section(text, number))
    failing = [one for one in summarize(spoilt) if (row := one.row("async-documented-nullpool")) and row.problem]
    assert [(one.scenario, one.load.name) for one in failing] == [("read", "closed-128")]
    assert "| `async-documented-nullpool` |" in section(text, 4)
    assert "interrupted" not in text


def test_a_baseline_that_fails_leaves_its_copy_and_both_leave_no_ratios(capsys: pytest.CaptureFixture[str]) -> None:
    """Their trials of the rounds before stay in the raw file."""
    run = run_of([READ], effects={"sync-threads": 1.3}, failing=[])
    run.failures.append(Failure("postgresql", "read", "sync-threads", "closed-32", Problem("no answer")))
    text = report_of(run).markdown
    assert "| **fails** | no answer |" in text
    assert re.search(r"`async-native` \| 1,2\d\d \| 0\.8\d \[", text)
    run.failures.append(Failure("postgresql", "read", "sync-threads-aa", "closed-32", Problem("no answer")))
    text = report_of(run).markdown
    assert re.search(r"`async-native` \| 1,2\d\d \| no baseline \|", text)
    show_load(run)
    assert re.search(r"async-native +no baseline +no baseline", capsys.readouterr().out)
    assert not re.search(r"\] (\*\*|slightly )(better|worse)", text)


def test_a_control_that_fails_is_none() -> None:
    run = run_of([READ], effects={"sync-threads-aa": 1.3})
    run.failures.append(Failure("postgresql", "read", "sync-threads-aa", "closed-32", Problem("no answer")))
    one = only(run)
    assert not one.control
    assert re.search(r"`async-native` \| 1,2\d\d \| 0\.85 \[[^|]*\*\*better\*\*.*\| no control \|", tables.verdicts([one]))


def test_one_round_claims_nothing() -> None:
    text = report_of(run_of([replace(READ, rounds=1)])).markdown
    assert re.search(r"0\.8\d \[one round\] undecided \|", text)
    assert not re.search(r"\] \*\*(better|worse)\*\*", text)


def test_flags_errors_and_lost_writes_are_counted(spoilt_report: Report) -> None:
    text = section(spoilt_report.markdown, 9)
    for flag in ("steal", "generator busy", "errors", "lost writes"):
        assert re.search(rf"\| {flag} \| [^|]+ \| 1 of [\d,]+ \|", text), flag
    assert "| generator late |" in text
    errors = section(spoilt_report.markdown, 7)
    assert re.search(r"`sync-threads\S*`, .*: 3 of [\d,]+ in 1 trial; the first: “500 in place of 200”", errors)


def test_the_cross_check_and_the_ceiling_are_published(report: Report) -> None:
    text = section(report.markdown, 9)
    assert "21,000 requests a second, 42.0 µs of its CPU time for each, 88 % of its core" in text
    assert f"closed loops of {CONNECTIONS} connections, {CROSSCHECK_SECONDS:g} s each, with one fixed request" in text
    assert "0 of 3 single pairs differ by more than 10 %" in text
    assert re.search(r"3,000 and 3,060 requests a second \(medians of 3\), a ratio within pairs of 0\.99 \[", text)


def test_a_ceiling_that_was_the_trivial_servers_is_a_lower_bound() -> None:
    assert validity_part._ceiling(Ceiling("uvloop", 32, 19_396.0, 2.5e-5)) == (
        "Ceiling of the generator (uvloop, 32 connections, a server that does nothing): at least 19,396 requests a second. That"
        " server's core was the limit: the generator used 48 % of its own. By its CPU time, 25.0 µs for each, it"
        " could do about 40,000"
    )


def test_the_cross_check_says_what_it_compares() -> None:
    checks = [Crosscheck("postgresql", "read", "async-native", 32, [94.0, 112.0, 90.0, 85.0], [100.0] * 4)]
    said = validity_part._crosschecked(checks, summarize(run_of([replace(READ, load=Load(8))])))
    assert "not the capacity of section 1, which is measured with 8 connections in slices" in said
    assert "(answers - connections) / seconds. 3 of 4 single pairs differ by more than 10 %" in said


def test_what_is_decided_at_equal_rates_is_said_with_its_place() -> None:
    cell = replace(READ, load=Load(64, 60), rounds=4)
    text = section(report_of(run_of([READ, cell], effects={"async-native": 0.3})).markdown, 5)
    assert "Rates are 60 % of the" in text
    assert "`async-native`, read on PostgreSQL at 60 % (p50 better)" in text
    none = section(report_of(run_of([READ, replace(cell, rounds=1)])).markdown, 5)
    assert "**No gain and no loss in p50 or p99 is decided." in none


def test_what_becomes_of_what_was_written_is_said(report: Report) -> None:
    text = section(report.markdown, 10)
    assert "10,000 books in each database, a copy for each contender, which lasts for the whole run: after a trial" in text
    assert "those of a round starting at once" in text
    assert FEWEST == 4
    assert "A turn lasts\nat least as long as the median answer" in section(report.markdown, 1)
    assert "fewer and longer turns, but no fewer than four" in section(report.markdown, 1)
    assert "fresh" not in text


def test_the_longest_run_down_of_a_contender_is_named() -> None:
    run = run_of([READ])
    run.trials = [replace(one, slices=slices(10.0, 1.0)) if one.contender == "async-loop" else one for one in run.trials]
    text = section(report_of(run).markdown, 9)
    assert "the loads that decide 50.0 % at most (`async-loop`, read on PostgreSQL, closed-32)" in text


def test_what_is_not_shown_is_read_off_the_plan(whole: Run, summary: list[Comparison]) -> None:
    text = section(report_of(whole).markdown, 11)
    assert "each contender is one process on one core, and" in text
    assert "one machine, and the generator shares its core with the database." in text
    assert "- SQLite as widely as PostgreSQL: no slow-0, slow-1, slow-5, slow-10, slow-20, slow-50." in text
    assert "the sweep has 0, 1, 5, 10, 20 and 50 ms, with 8, 32 and 128 connections." in text
    assert "not measured" not in text.replace("is not measured", "")
    names = ("sync-threads", "sync-threads-aa", "async-native")
    few = [
        *(replace(READ, load=Load(connections)) for connections in (8, 32)),
        replace(READ, scenario="list", contenders=names),
        replace(READ, load=Load(64, 60), contenders=names),
        replace(READ, database="sqlite", contenders=names),
    ]
    run = run_of(few)
    run.header = replace(run.header, placement={"server": "not pinned", "generator": "not pinned", "database": "elsewhere"})
    assert "one server process, server not pinned, generator not pinned, database elsewhere" in report_of(run).markdown
    machine, network, sqlite, absent, latency = limits_part.lines(run, summarize(run))
    assert "each contender is one process, which is bound to no core, and" in machine
    assert network.startswith("A network: client and server are on one machine. The wait")
    assert sqlite == "SQLite as widely as PostgreSQL: no list; read with 32 connections, not 8 and 32; no open loop of read."
    assert absent.endswith("and `async-native-psycopg`: not measured in list on PostgreSQL; on SQLite.")
    assert re.fullmatch(
        r"Latency: .* in \d of 2 ratios .* 3000 requests in all rounds, which 1 of 1 comparisons have; .*", latency
    )


def times(*milliseconds: float) -> Trial:
    one = trial("postgresql", "read", Load(64, 60), "async-native", 1, 100.0, {"async-native": 1.0})
    return replace(one, latency={"read": Histogram.of([ms / 1000 for ms in milliseconds])})


def test_percentiles_are_medians_of_rounds_or_of_all_together_or_nothing() -> None:
    rounds = [times(*([ms] * 100)) for ms in (10, 30, 20)]
    assert shown(rounds, 50) == "20.0 [10.0, 30.0]"
    assert percentile(rounds, 99) == ([], None)
    assert shown(rounds, 99) == "-"
    many = [times(*([10] * 199), 50) for _ in range(3)]
    assert shown(many, 99) == "-"  # 6 of 600 are beyond it
    assert shown(10 * many, 99) == "10.0 pooled"  # 60 of 6,000
    assert shown([], 50) == "-"


def test_an_interrupted_run_says_so_at_the_top(tmp_path: Path) -> None:
    run = run_of([READ])
    record(tmp_path / "load.jsonl", run, 20)
    text = report_of(read(tmp_path / "load.jsonl")).markdown
    assert "> **The run under load was interrupted: 20 of 54 trials." in text.partition("\n## ")[0]


def test_open_loops_that_are_missing_are_an_interruption() -> None:
    """They come after all rounds of the closed loops."""
    run = run_of([READ, replace(READ, load=Load(64, 60))])
    missing = replace(run, trials=[one for one in run.trials if one.load == "closed-32"])
    assert "interrupted: 54 of 108 trials" in report_of(missing).markdown
    short = replace(run, trials=[one for one in run.trials if (one.load, one.contender) != ("closed-32", "async-loop")])
    text = report_of(short).markdown
    assert "6 of 108 trials under load have no result" in text
    assert "too short for this machine (read on PostgreSQL, closed-32)" in text


def test_nothing_at_all_is_still_a_report() -> None:
    for run in (
        Run(header([])),
        Run(header([READ])),
    ):
        found = report_of(run)
        assert "No comparison came to an end in this run." in found.markdown
        assert len(section(found.markdown, 11)) > 100


def test_the_same_run_gives_the_same_bytes(tmp_path: Path, whole: Run, report: Report) -> None:
    record(tmp_path / "load.jsonl", whole)
    again = report_of(read(tmp_path / "load.jsonl"))
    assert again.markdown == report.markdown
    assert again.pictures == report.pictures


def titles(picture: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(picture).iter(f"{SVG}title")]


@pytest.mark.parametrize("name", ["overview", "crossover", "forest", "capacity", "latency"])
def test_pictures_are_sound_xml_with_a_title_a_description_and_words_that_fit(report: Report, name: str) -> None:
    tree = ElementTree.fromstring(report.pictures["load", name])
    assert tree.findtext(f"{SVG}title")
    assert tree.findtext(f"{SVG}desc")
    assert tree.get("aria-labelledby") == "title desc"
    width, height = float(tree.get("width", 0)), float(tree.get("height", 0))
    for element in tree.iter(f"{SVG}text"):
        assert 0 <= float(element.get("x", -1)) <= width
        assert 0 <= float(element.get("y", -1)) <= height
    assert f"](raw/load-{name}.svg)" in report.markdown


def test_pictures_have_a_mark_for_every_ratio(whole: Run, report: Report, summary: list[Comparison]) -> None:
    [load] = [one.load.name for one in deciding(summary) if (one.database, one.scenario) == ("postgresql", "read")]
    overview = titles(report.pictures["load", "overview"])
    assert f"async-native, read on PostgreSQL, {load}: 0.85 [0.84, 0.86], better" in overview
    assert any(f"async-documented, read on PostgreSQL, {load}: fails" in one for one in overview)
    tiles = [one for one in titles(report.pictures["load", "crossover"]) if ", closed-" in one]
    assert len(tiles) == 8 * 6 * 3
    assert "read, async-native: 0.85 [0.84, 0.86]" in titles(report.pictures["load", "forest"])
    marks = [one for one in titles(report.pictures["load", "capacity"]) if one.startswith("async-native: ")]
    swept = [one for one in summary if one.load.percent is None and one.scenario in {"read", *_slow()}]
    assert len(marks) == len(swept)


def _slow() -> Sequence[str]:
    return [name for name, facts in SCENARIOS.items() if facts["delay"] is not None]


def test_the_load_that_compares_most_decides_and_of_equals_that_of_most_connections() -> None:
    most = replace(READ, contenders=("sync-threads", "sync-threads-aa", "async-native", "async-loop"))
    fewer = [replace(READ, contenders=most.contenders[:3], load=Load(connections)) for connections in (8, 128)]
    found = summarize(run_of([most, *fewer]))
    assert [one.load.name for one in found] == ["closed-32", "closed-8", "closed-128"]
    assert [one.load.name for one in deciding(found)] == ["closed-32"]
    assert [one.load.name for one in deciding(found[1:])] == ["closed-128"]


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("no answer within 10 s", "no answer within 10 s"),
        (
            "RuntimeError: Task <Task pending coro=<a.<locals>.b() at /opt/x.py:3> cb=[<c>()]> got Future <F> of a\nloop",
            "RuntimeError: Task got Future of a loop",
        ),
        ("RuntimeError: Task <Task pending coro=<a.<locals>.b() at /opt", "RuntimeError: Task ..."),
        ("FileNotFoundError: /opt/some/where/file.db is gone", "FileNotFoundError: file.db is gone"),
        ("x" * 200, "x" * 177 + "..."),
    ],
)
def test_reasons_are_one_short_line(problem: str, said: str) -> None:
    assert tables.reason(problem) == said


def test_the_terminal_shows_a_row_for_every_contender(
    whole: Run, capsys: pytest.CaptureFixture[str], summary: list[Comparison]
) -> None:
    show_load(whole)
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert [line.strip() for line in lines if line.strip() in ("PostgreSQL", "SQLite", "No database")] == [
        "No database",
        "PostgreSQL",
        "SQLite",
    ]
    assert re.search(r"async-native +0\.85 \[0\.84, 0\.86\] +better +1\.18 \[1\.17, 1\.1\d\] +better", text)
    assert re.search(r"async-documented +fails", text)
    assert "async-documented fails in read, list" in text
    assert sum(line.strip().startswith("async-documented-nullpool") for line in lines) == len(deciding(summary))


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        ([101.0, 99.0, 100.0, 102.0], "they agree within 10 %"),
        ([130.0, 128.0, 131.0, 129.0], "they differ by more than 10 %"),
        ([150.0, 90.0, 100.0, 101.0], "whether within 10 % is undecided"),
    ],
)
def test_two_generators_agree_or_differ_only_where_the_interval_says_so(ours: list[float], said: str) -> None:
    found = Crosscheck("sqlite", "read", "async-native", 32, ours, [100.0] * 4)
    assert validity_part._crosscheck(found).endswith(f": {said}")


def test_generators_that_scatter_in_each_check_may_agree_in_all_together() -> None:
    checks = [
        Crosscheck("sqlite", "read", name, 32, [94.0, 112.0, 90.0, 109.0], [100.0] * 4) for name in ("async-native", "x", "y")
    ]
    *each, together = validity_part._crosschecks(checks)
    assert [line.rpartition(": ")[2] for line in each] == ["whether within 10 % is undecided"] * 3
    assert together == "All 3 together, generator over wrk: 1.01 [0.94, 1.08]: they agree within 10 %"
    without = Crosscheck("sqlite", "read", "z", 32, [], [])  # in no turn did both see an answer
    assert validity_part._crosschecks([checks[0], without]) == each[:1]


def test_one_pair_of_a_cross_check_is_said_and_decides_nothing() -> None:
    [line] = validity_part._crosschecks([Crosscheck("sqlite", "read", "async-native", 32, [94.0], [100.0])])
    assert line.endswith("0.94 [one pair]: whether within 10 % is undecided")
