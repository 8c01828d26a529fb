"""The report: what its pages say of known effects, what it looks like, and that the committed one is what the raw files give."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.cli import main
from benchmarks.cli.report import _published
from benchmarks.load import Histogram
from benchmarks.raw import Recorder
from benchmarks.raw.load import Load, LoadCell, LoadRun, LoadTrial, read
from benchmarks.raw.micro import Group, MicroHeader, MicroRun, MicroTrial
from benchmarks.report.comparisons import Row, comparisons, deciding, pooled
from benchmarks.report.model import Runs
from benchmarks.report.model import report as tree
from benchmarks.report.numbers import interval, reason
from benchmarks.report.pages import Links, Rendered, render
from benchmarks.report.terminal import show_load, show_micro
from benchmarks.subjects.profiles import PROFILES
from benchmarks.subjects.profiles import cells as cells_of

from .report_data import CONTENDERS, few_cells, header, marred, record, run_of, slices, trial

ROOT = Path(__file__).parents[2]
READ = LoadCell("postgresql", "read", Load(32), 6, 5.0, 4, tuple(CONTENDERS))
MANY = 20
"""Comparisons: the pictures of so many are those of the committed report."""
COMMITTED = (ROOT / "RESULTS.md", *sorted((ROOT / "docs" / "results").glob("*.md")))


def page(run: LoadRun, name: str) -> str:
    return rendered(run).pages[name]


def rendered(run: LoadRun) -> Rendered:
    return render(tree(Runs(load=run)), Links("results/", {"load": "load.jsonl"}, "reproductions"), published=False)


@cache
def few() -> LoadRun:
    return run_of(few_cells(3))


def by_hand(cpu: dict[str, list[float]], seconds: float = 5.0, cell: LoadCell = READ) -> LoadRun:
    """A run whose trials have 1,000 requests each, of so many CPU seconds together."""
    cell = replace(cell, contenders=tuple(cpu))
    one = trial(cell.database, cell.scenario, cell.load, "async-native", 1, None, {"async-native": 1.0})
    latency = {"read": Histogram.of([0.01] * 1000)}
    trials = [
        replace(one, contender=name, round=number + 1, slices=slices(seconds, value, answered=1000), latency=latency)
        for name, values in cpu.items()
        for number, value in enumerate(values)
    ]
    return LoadRun(header([cell]), trials=trials)


def micro() -> MicroRun:
    """A loop that takes 1.3 times as long, and native 0.8 times."""
    group = Group("postgresql", "read", "read one book", 20, "request", ("sync", "sync-aa", "loop", "native"), "sync", "sync-aa")
    environment = {**header([]).environment, "drivers": {"sync": "psycopg", "async": "asyncpg"}}
    found = {"sync": 1.0, "sync-aa": 1.0, "loop": 1.3, "native": 0.8}
    trials = [
        MicroTrial(number, "postgresql", "read", name, 100, 1e3 * cost * wiggle, 1e3 * cost * wiggle)
        for name, cost in found.items()
        for number in range(1, 7)
        for wiggle in [1.0 if name == "sync" else 0.99 + 0.01 * ((number + len(name)) % 3)]
    ]
    start = MicroHeader(
        "2026-01-01T00:00:00+00:00", "python -m benchmarks micro", 0, 6, 0.1, 100, {}, (group,), {}, {}, environment
    )
    return MicroRun(start, [], trials)


def test_the_ratio_and_its_interval_are_those_worked_out_by_hand() -> None:
    """Logs of 1.1, 1.2, 1.3: mean 0.18000, standard deviation 0.083551, t(2) 4.302653, so a half-width of 0.207552."""
    (one,) = comparisons(by_hand({"sync-threads": [2.0, 4.0, 1.0], "async-loop": [2.2, 4.8, 1.3]}))
    estimate = one.finding("async-loop", "cpu").estimate
    assert estimate
    assert (estimate.ratio, estimate.low, estimate.high) == pytest.approx((1.19722, 0.97282, 1.47336), rel=1e-4)
    row = one.row("async-loop")
    assert row
    assert row.values == {"cpu": pytest.approx((0.0022, 0.0048, 0.0013)), "throughput": (200.0, 200.0, 200.0)}
    assert one.finding("async-loop", "throughput").word == "same"


def test_every_interval_shows_that_it_has_a_width() -> None:
    (one,) = comparisons(by_hand({"sync-threads": [1.0] * 3, "async-loop": [1.32] * 3}))
    assert interval(one.finding("async-loop", "cpu").estimate) == "1.320 [1.319, 1.321]"
    (one,) = comparisons(by_hand({"sync-threads": [1.0], "async-loop": [1.32]}))
    assert interval(one.finding("async-loop", "cpu").estimate) == "1.32 [one round]"


def test_scenarios_are_taken_together_only_where_all_were_measured() -> None:
    """A contender measured in one of five is not judged over five."""
    both = {"sync-threads": [1.0, 1.0], "async-loop": [2.0, 2.0]}
    more = {"sync-threads": [1.0, 1.0], "async-loop": [8.0, 8.0], "async-native": [1.0, 1.0]}
    (one,), (other,) = comparisons(by_hand(both)), comparisons(by_hand(more))
    together = pooled([one, other], "async-loop", "cpu")
    assert together.estimate
    assert together.estimate.ratio == pytest.approx(4.0)
    assert together.word == "worse"
    assert pooled([one, other], "async-native", "cpu").word == ""
    assert pooled([], "async-loop", "cpu").word == ""


def test_requests_a_second_of_full_cores_get_no_verdict_of_their_own() -> None:
    """They are the reciprocal of CPU time: two verdicts on one finding contradicted each other."""
    full = by_hand({"sync-threads": [4.9] * 3, "async-loop": [4.9, 4.95, 4.85]})
    (one,) = comparisons(full)
    assert one.is_reciprocal("async-loop")
    assert re.search(r"`async-loop` \| [^|]* same \| 1\.00\d* \[[^|]*\] \(full core\) \|", page(full, "verdicts"))
    idle = by_hand({"sync-threads": [1.0] * 3, "async-loop": [1.0] * 3})
    assert re.search(r"`async-loop` \| [^|]* same \| [^|]* same \|", page(idle, "verdicts"))


def test_a_full_core_of_the_database_is_said() -> None:
    busy = run_of([replace(READ, rounds=2, contenders=READ.contenders[:3])])
    crowded = replace(busy, trials=[replace(one, generator_cpu=0.95) for one in busy.trials])
    assert "| read, PostgreSQL, 32 conn.* |" in page(crowded, "verdicts")
    assert "is the server's own, in: read, PostgreSQL, 32 conn." in page(crowded, "validity")
    assert "conn.*" not in page(busy, "verdicts").partition("##")[2]


def test_native_is_compared_with_as_many_threads_as_there_are_connections() -> None:
    text = page(few(), "verdicts").partition("## Against 64 threads")[2]
    assert re.search(r"\| slow-50, PostgreSQL, 128 conn\. \| 0\.81 \[[^|]*\] \*\*better\*\* \| 1\.2\d \[", text)


def test_who_fails_is_a_row_everywhere() -> None:
    text = rendered(marred(replace(few(), failures=[], trials=list(few().trials))))
    assert re.search(
        r"\| read, PostgreSQL, 128 conn\. \| `async-documented` \| \*\*fails\*\* \| \*\*fails\*\* \|", text.pages["verdicts"]
    )
    assert (
        "`async-documented-nullpool` | read, PostgreSQL, 128 conn. | 53300: too many clients already |" in text.pages["verdicts"]
    )
    assert "`async-documented` | **fails** |" in text.pages["costs"]


def test_what_disturbed_a_run_is_one_table() -> None:
    text = page(marred(replace(few(), failures=[], trials=list(few().trials))), "validity")
    rows = {line.split(" | ")[0]: line for line in text.splitlines() if " of " in line and line.startswith("| ")}
    assert rows["| time that the host gave to others"].endswith(f"| 30.0 % | 5.0 % | 1 of {len(few().trials) - 3} |")
    assert " | 95.0 % | 80.0 % | 1 of " in rows["| generator, share of a core"]
    assert " | 0 | 3 | 0 | 1 of " in rows["| wrong or missing answers in a trial"]
    assert text.count("| what |") == 1


def test_a_control_that_differs_from_the_baseline_widens_every_interval() -> None:
    loads = [replace(READ, load=Load(connections)) for connections in (1, 2, 4, 8, 16, 32)]
    text = page(run_of(loads, effects={"sync-threads-aa": 1.04}), "validity")
    assert re.search(r"In CPU a request 0 of 6 of its intervals contain 1 \(.*; too few: all are widened by \d+\.\d+\)", text)


def times(*milliseconds: float) -> LoadTrial:
    one = trial("postgresql", "read", Load(64, 60), "async-native", 1, 100.0, {"async-native": 1.0})
    return replace(one, latency={"read": Histogram.of([ms / 1000 for ms in milliseconds])})


def test_percentiles_are_of_rounds_or_of_all_together_or_nothing() -> None:
    def row(*trials: LoadTrial) -> Row:
        return Row("async-native", None, {}, {}, trials)

    rounds = row(*(times(*([ms] * 100)) for ms in (10, 30, 20)))
    assert rounds.percentile(50) == pytest.approx([0.01, 0.03, 0.02], rel=0.01)
    assert rounds.percentile(99) == []
    assert row(*(times(*([10] * 999), 50) for _ in range(3))).percentile(99) == pytest.approx([0.01], rel=0.01)
    assert row().percentile(50) == []


def test_the_load_that_compares_most_decides_and_of_equals_that_of_most_connections() -> None:
    chosen = [
        replace(READ, load=Load(8)),
        replace(READ, load=Load(128), contenders=READ.contenders[:3]),
        replace(READ, load=Load(4)),
    ]
    assert [one.load for one in deciding(comparisons(run_of(chosen)))] == [Load(8)]


@pytest.mark.parametrize("chosen", [*PROFILES, "baseline alone", "nothing"])
def test_every_selection_of_contenders_has_a_report(chosen: str) -> None:
    few_of = {"baseline alone": [replace(READ, contenders=("sync-threads", "sync-threads-aa"))], "nothing": []}
    planned = few_of.get(chosen) or (cells_of(PROFILES[chosen]) if chosen in PROFILES else [])
    known = [replace(one, rounds=2, contenders=tuple(name for name in one.contenders if name in CONTENDERS)) for one in planned]
    found = rendered(run_of(known))
    assert found.first.startswith("# This run")
    assert set(found.pages) == {"verdicts", "costs", "latency", "validity", "environment"}
    for draw in found.pictures.values() if len(known) < MANY else ():
        assert ElementTree.fromstring(draw()).tag.endswith("svg")


def test_an_interrupted_run_says_so_at_the_top(tmp_path: Path) -> None:
    record(tmp_path / "load.jsonl", run_of([READ]), 20)
    assert "\n**The run is not whole: 20 of 66 trials." in rendered(read(tmp_path / "load.jsonl")).first.partition("\n## ")[0]


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("no <Task at 0x7f> in /srv/app/x.py", "no in x.py"),
        ("a\nb | c `d`", "a b / c 'd'"),
        ("x" * 200, "x" * 147 + "..."),
    ],
)
def test_reasons_are_one_short_line(problem: str, said: str) -> None:
    assert reason(problem) == said


def test_the_terminal_shows_a_row_for_every_contender(capsys: pytest.CaptureFixture[str]) -> None:
    show_load(few())
    text = capsys.readouterr().out
    assert re.search(r"async-native +0\.85 \[0\.8\d, 0\.8\d\] +better +1\.1\d \[1\.\d\d, 1\.\d\d\] +better", text)
    assert re.search(r"async-documented +fails +fails", text)
    assert "async-documented fails in read, slow-50: 500: RuntimeError" in text
    show_micro(micro())
    assert re.search(r"native +0\.80 \[0\.79, 0\.81\] +better +0\.80", capsys.readouterr().out)


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def record_micro(path: Path) -> None:
    recorder = Recorder(path)
    for line in (micro().header, *micro().trials):
        recorder.write(line)
    recorder.close()


@pytest.fixture
def _drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that write a report several times: a picture takes a quarter of a second, and is the same from the same data."""
    drawn: dict[str, str] = {}

    def drawing(draw: Callable[..., str], *arguments: object, **named: object) -> Callable[[], str]:
        def once() -> str:
            what = repr((draw, arguments, named))
            if what not in drawn:
                drawn[what] = draw(*arguments, **named)
            return drawn[what]

        return once

    monkeypatch.setattr("benchmarks.report.pictures.partial", drawing)


@pytest.mark.usefixtures("_drawn_once")
def test_a_run_of_ones_own_says_first_which_conclusions_it_bears_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Native costs more, and SQLite was not measured; what is written is as it should be, and checked."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("benchmarks.cli.report._published", cache(_published))  # of the committed files, five times
    reading = replace(READ, load=Load(8), rounds=2)
    record(tmp_path / "load.jsonl", run_of([reading], effects={"async-native": 1.3}))
    record_micro(tmp_path / "micro.jsonl")
    arguments = ("report", str(tmp_path / "load.jsonl"), str(tmp_path / "micro.jsonl"), "--output", str(tmp_path / "build"))
    assert command(monkeypatch, *arguments, "--check") == 1
    assert not (tmp_path / "build").exists()
    assert command(monkeypatch, *arguments) == 0
    text = (tmp_path / "build" / "RESULTS.md").read_text("utf-8")
    assert text.startswith("# This run\n\n## Your machine and ours\n")
    outcomes = [
        line.split(" | ")[0].strip("|* ") for line in text.splitlines() if "a request: " in line or "requests/s: " in line
    ]
    assert outcomes == sorted(outcomes, key=["contradicts", "leaves open", "confirms"].index), (
        "what it says nothing of is counted"
    )
    assert set(outcomes) >= {"contradicts", "confirms"}
    assert int(re.findall(r"open\. (\d+) more are about what it did not measure\.", text)[0]) > 5
    assert "not measured" in text, "of a conclusion in parts"
    assert re.search(
        r"\*\*contradicts\*\* \| Reading one row .* \| async-native, PostgreSQL, read, closed-8, CPU a request: worse 1\.[23]\d",
        text,
    )
    assert_links_lead_somewhere(tmp_path / "build")
    assert command(monkeypatch, *arguments, "--check") == 0
    for path in (tmp_path / "build" / "RESULTS.md", tmp_path / "build" / "results" / "answer.svg"):
        former = path.read_text("utf-8")
        path.write_text(former + " ", "utf-8")
        capsys.readouterr()
        assert command(monkeypatch, *arguments, "--check") == 1
        assert f"{path} is not what the raw results give: python -m benchmarks report" in capsys.readouterr().err
        path.write_text(former, "utf-8")


def assert_links_lead_somewhere(folder: Path) -> None:
    for path in (folder / "RESULTS.md", *folder.glob("**/results/*.md")):
        text = path.read_text("utf-8")
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            name, _, anchor = link.partition("#")
            found = (path.parent / name) if name else path
            assert link.startswith("http") or found.is_file(), f"{path.name}: {link}"
            assert not anchor or anchor in anchors(found.read_text("utf-8")), f"{path.name}: {link}"


def anchors(text: str) -> set[str]:
    heads = (line.lstrip("# ").lower() for line in text.splitlines() if line[:1] == "#")
    return {re.sub(r"[^a-z0-9 -]", "", head).replace(" ", "-") for head in heads} | set(re.findall(r'<a id="([^"]+)">', text))


@pytest.mark.usefixtures("_drawn_once")
def test_without_files_it_is_of_the_committed_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What their numbers do not bear out fails the command, with the sentence and what it would have to say."""
    monkeypatch.chdir(tmp_path)
    assert command(monkeypatch, "report") == 2
    assert "benchmarks/results: has none of load.jsonl, micro.jsonl, instructions.jsonl" in capsys.readouterr().err
    chosen = [LoadCell("postgresql", "read", Load(8), 3, 5.0, 8, tuple(CONTENDERS))]
    record(tmp_path / "benchmarks" / "results" / "load.jsonl", run_of(chosen, effects={"async-native": 1.3}))
    (tmp_path / "README.md").write_text(
        "# A\n\n<!-- answers: written by python -m benchmarks report -->\nold\n<!-- end of answers -->\n\nB\n"
    )
    for check in ((), ("--check",)):
        assert command(monkeypatch, "report", *check) == 1
        error = capsys.readouterr().err
        assert re.search(r"“Reading one row on PostgreSQL with 8 connections takes `async-native` 1\.\d\d \[", error)
        assert re.search(r"it says better, 0\.70 to 0\.97, the run says worse 1\.\d\d \[", error)
    readme = (tmp_path / "README.md").read_text()
    assert "old" not in readme
    assert "| [Read a row, PostgreSQL (CPU a request)](RESULTS.md#ordinary-requests) | " in readme
    assert readme.endswith("<!-- end of answers -->\n\nB\n")


def test_wrong_input_is_one_line_and_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, other, blocked = (tmp_path / name for name in ("a.jsonl", "b.jsonl", "c.jsonl", "file"))
    record_micro(first)
    record_micro(second)
    other.write_text('{"line": "header", "kind": ["odd"], "schema": 1}\n', "utf-8")
    blocked.write_text("", "utf-8")
    cases = {
        (str(first), str(second)): f"{first} and {second} are both of kind 'micro'",
        (str(other),): f"{other}: is of kind ['odd']; a report is made of load, micro, instructions",
        (str(tmp_path / "missing"),): "missing: cannot be read: No such file or directory",
        (str(first), "--output", str(blocked / "below")): "cannot be written: Not a directory",
    }
    for arguments, message in cases.items():
        assert command(monkeypatch, "report", *arguments) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


def test_the_committed_report_is_what_the_committed_results_give_and_bear_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert command(monkeypatch, "report", "--check") == 0
    assert_links_lead_somewhere(ROOT)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.name)
def test_no_page_is_longer_than_is_read_and_none_names_a_folder(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= (200 if path.name == "RESULTS.md" else 400)
    assert not re.search(r"/(home|root|tmp|work)/", text)
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert all(len({row.count("|") for row in table.splitlines()}) == 1 for table in tables)


def test_the_first_page_can_be_read() -> None:
    """An answer of 120 words, and no sentence that has to be read twice."""
    text = (ROOT / "RESULTS.md").read_text("utf-8")
    assert len(text.partition("**The answer.**")[2].partition("![")[0].split()) <= 120
    prose = [line for line in text.splitlines() if line and line[0] not in "|!#<"]
    longest = max((one for line in prose for one in re.split(r"[.;:?] ", line)), key=lambda one: len(one.split()))
    assert len(longest.split()) <= 48, longest
    readme = (ROOT / "README.md").read_text("utf-8")
    assert 3 <= sum(line.startswith("|") for line in readme.partition("<!-- end of answers")[0].splitlines()) <= 8


def test_other_frameworks_and_services_have_sections_of_their_own_where_they_were_measured() -> None:
    names = ("sync-threads", "sync-threads-aa", "async-native", "sync-granian", "peer-litestar")
    read_one = LoadCell("postgresql", "read", Load(8), 3, 5.0, 8, names)
    asked = [LoadCell("none", "upstream-5", Load(connections), 2, 5.0, 4, names[:3]) for connections in (1, 8)]
    flood = LoadCell("none", "in-flight-500", Load(500), 2, 5.0, 4, names[:3])
    made = tree(Runs(load=run_of([read_one, *asked, flood])))
    links = Links("results/", {"load": "load.jsonl"}, "reproductions")
    text = render(made, links, published=True).first
    assert "the synchronous app on granian takes 0.7" in text
    (row,) = re.findall(r"^\| `async-native` \| .*$", text.partition("## Other services, and views that block")[2], re.MULTILINE)
    assert len(re.findall(r"\d", row)) > 1
    assert "500 requests at once" in text
    assert made.load
    assert [one.scenario for one in made.load.asking] == ["upstream-5", "upstream-5", "in-flight-500"]
    assert made.load.waiting == ()
    assert made.load.elsewhere == ("sync-granian", "peer-litestar")
    assert "## Other services" not in render(tree(Runs(load=few())), links, published=True).first
