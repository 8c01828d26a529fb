"""The report of the in-process comparison, from crafted raw data; the `report` command; the committed report."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.analysis.micro import summarize
from benchmarks.cli import main
from benchmarks.raw import Recorder, ResultsError
from benchmarks.raw.micro import Check, Group, Header, Run, Trial, read
from benchmarks.report.document import Report, Runs, build
from benchmarks.report.micro_part import picture
from benchmarks.report.prose import answer, lone

from . import report_data

ROOT = Path(__file__).parents[2]
MODELS = ("sync-threads", "sync-threads-aa", "async-documented", "async-loop", "async-native")
BASE = 1_000.0
WIGGLE = (0.99, 1.0, 1.01, 1.0, 0.995, 1.005)
"""Factors of successive passes, so that intervals have a width: about 1 %."""


def group(database: str = "postgresql", scenario: str = "read", title: str = "read one book") -> Group:
    return Group(database, scenario, title, 20, "request", MODELS, "sync-threads", "sync-threads-aa")


def header(groups: Sequence[Group], passes: int = 6) -> Header:
    return Header(
        started="2026-01-01T00:00:00+00:00",
        command="python -m benchmarks micro",
        seed=0,
        passes=passes,
        seconds=0.15,
        books=2_000,
        databases={name: {"version": "1.0"} for name in ("sqlite", "postgresql") if name in {one.database for one in groups}},
        groups=tuple(groups),
        contenders=dict.fromkeys(MODELS, "about it"),
        settings={"POOL_SIZE": 10},
        environment={
            "python": "CPython",
            "system": "Linux",
            "cpu": "CPU",
            "cores": 2,
            "memory_gib": 1.0,
            "load_before": 0.1,
            "event_loop": "uvloop",
            "drivers": {"sync": "a", "async": "b"},
            "packages": {"flask": "3"},
            "commit": None,
        },
    )


def trials(one: Group, ratios: Mapping[str, float], passes: int = 6) -> list[Trial]:
    """Trials in which each contender costs `ratios` times the baseline, the control by default 1."""
    return [
        Trial(number + 1, one.database, one.scenario, name, 100, BASE * ratio * wiggle, BASE * ratio * wiggle)
        for name, ratio in {"sync-threads": 1.0, "sync-threads-aa": 1.0, **ratios}.items()
        for number in range(passes)
        for wiggle in [1.0 if name == "sync-threads" else WIGGLE[(number + len(name)) % len(WIGGLE)]]
    ]


def run_of(
    *parts: tuple[Group, Mapping[str, float]],
    checks: Sequence[Check] = (),
    passes: int = 6,
    control: Mapping[str, float] | None = None,
) -> Run:
    measured = [trial for one, ratios in parts for trial in trials(one, {**(control or {}), **ratios}, passes)]
    return Run(header([one for one, _ in parts], passes), list(checks), measured)


def record(path: Path, run: Run, count: int | None = None) -> None:
    """Write the raw file of the run, or of its first `count` trials."""
    recorder = Recorder(path)
    recorder.write(run.header)
    for check in run.checks:
        recorder.write(check)
    for trial in sorted(run.trials, key=lambda trial: trial.number)[:count]:
        recorder.write(trial)
    recorder.close()


def row(text: str, contender: str) -> str:
    return next(line for line in text.splitlines() if f"| `{contender}` |" in line)


def report_of(run: Run) -> Report:
    return build(Runs(micro=run, links={"micro": "raw/micro.jsonl"}), lambda kind, _: f"raw/{kind}.svg")


def rendered(run: Run) -> str:
    return report_of(run).markdown


def draw(run: Run) -> str:
    return picture(summarize(run))


def test_a_win_a_loss_and_a_draw_are_told_with_their_intervals() -> None:
    run = run_of((group(), {"async-native": 0.8, "async-loop": 1.3, "async-documented": 1.0}))
    native, loop, documented = answer(run, summarize(run))
    assert re.search(
        r"\*\*async-native\*\*.*on PostgreSQL better in the one operation \(read one book 0\.80 \[0\.79, 0\.81\]\)\.$", native
    )
    assert re.search(
        r"\*\*async-loop\*\*.*on PostgreSQL worse in the one operation \(read one book 1\.30 \[1\.29, 1\.31\]\)\.$", loop
    )
    assert re.search(r"\*\*async-documented\*\*.*on PostgreSQL the same within 5 % in the one operation \(", documented)
    text = rendered(run)
    assert row(text, "async-native").count("| better |") == row(text, "async-loop").count("| worse |") == 2
    assert row(text, "async-documented").count("| same |") == 2
    assert lone(summarize(run)) == [
        "`async-native` on PostgreSQL better in the one operation (read one book 0.80 [0.79, 0.81])",
        "`async-loop` on PostgreSQL worse in the one operation (read one book 1.30 [1.29, 1.31])",
    ]


def test_what_is_undecided_shows_no_ratio_in_the_answer() -> None:
    near = run_of((group(), {"async-native": 0.95, "async-loop": 1.5, "async-documented": 1.06}))
    native, _, documented = answer(near, summarize(near))
    assert "slightly better in the one operation (read one book 0.95 [" in native
    assert "| slightly better |" in row(rendered(near), "async-native")
    assert "worse in the one operation" in documented
    unsure = Run(near.header, trials=[replace(one, cpu=one.cpu * _uneven(one)) for one in near.trials])
    sentence = answer(unsure, summarize(unsure))[0]
    assert "undecided in the one operation" in sentence
    assert not re.search(r"\d\.\d", sentence)
    assert "| undecided |" in row(rendered(unsure), "async-native")


def _uneven(one: Trial) -> float:
    return 1.3 if one.contender == "async-native" and one.number % 2 else 1.0


def test_a_control_that_differs_from_the_baseline_everywhere_widens_every_interval() -> None:
    parts = [
        (group(scenario=name, title=name), {"async-native": 0.9, "async-loop": 1.5, "async-documented": 9.0}) for name in "abcdef"
    ]
    calm, odd = (run_of(*parts, control={"sync-threads-aa": aa}) for aa in (1.0, 1.03))
    before, after = (summarize(run)[0].row("async-native").measured["cpu"].estimate for run in (calm, odd))
    assert before
    assert after
    found = re.search(r"- A/A control, CPU time: 0 of 6 intervals contain 1, .* widened by (\d\.\d+)\.", rendered(odd))
    assert found
    assert after.half_width / before.half_width == pytest.approx(float(found[1]), abs=0.01)
    assert "- A/A control, CPU time: 6 of 6 intervals contain 1, as intervals of 95 % may" in rendered(calm)


def test_several_operations_are_counted_by_verdict_with_the_span_of_their_intervals() -> None:
    groups = [group(scenario=name, title=name) for name in ("read", "list", "create", "update", "fan-out")]
    ratios = [0.5, 1.2, 1.3, 1.4, 1.0]
    run = run_of(
        *(
            (one, dict.fromkeys(("async-native", "async-loop", "async-documented"), ratio))
            for one, ratio in zip(groups, ratios, strict=True)
        )
    )
    sentence = answer(run, summarize(run))[0]
    assert re.search(r"better in 1 of 5 operations \(read 0\.50 \[", sentence)
    assert re.search(r"worse in 3 of 5 operations \(1\.1\d to 1\.4\d times, intervals included\)", sentence)
    assert "the same within 5 % in 1 of 5 operations (fan-out 1.00 [" in sentence


def test_a_contender_that_fails_is_a_row_with_its_reason_and_no_missing_one() -> None:
    reason = "RuntimeError: Task got Future attached to a | different loop"
    checks = [
        Check("postgresql", "async-documented", "read", reason),
        Check("sqlite", "async-documented", "read", None),
        Check("sqlite", "async-documented", "together", "no answer within 10 s"),
    ]
    run = run_of(
        (group(), {"async-native": 0.8, "async-loop": 1.3}),
        (group("sqlite"), {"async-native": 2.0, "async-loop": 2.0, "async-documented": 4.0}),
        checks=checks,
    )
    text = rendered(run)
    assert "| `async-documented` | fails | RuntimeError: Task got Future attached to a &#124; different loop |" in text
    sentence = answer(run, summarize(run))[2]
    assert f"on PostgreSQL fails in the one operation (“{reason}”)" in sentence
    assert "on SQLite worse in the one operation" in sentence
    assert sentence.endswith("and two callers at once break it (“no answer within 10 s”).")
    assert "- `async-documented` on SQLite: no answer within 10 s (in: two callers at once)" in text
    assert "ended early" not in text
    assert "documented: fails" in draw(run)


@pytest.mark.parametrize("name", ["sync-threads", "sync-threads-aa"])
def test_what_failed_is_neither_baseline_nor_control(name: str) -> None:
    """Its trials of the passes before stay in the raw file."""
    run = run_of((group(), {"async-native": 0.8, "async-loop": 1.3, "async-documented": 1.0}), control={"sync-threads-aa": 1.3})
    run.checks.append(Check("postgresql", name, "read", "no answer"))
    assert [comparison.control for comparison in summarize(run)] == ([{}] if name == "sync-threads-aa" else [])
    assert f"- `{name}` on PostgreSQL: no answer" in rendered(run)


def test_one_pass_claims_nothing() -> None:
    run = run_of((group(), {"async-native": 0.1, "async-loop": 10.0, "async-documented": 1.0}), passes=1)
    text = rendered(run)
    assert "0.10 [one pass] | undecided |" in text
    assert not re.search("[|] (better|worse|same) [|]", text)
    assert all("undecided in the one operation" in sentence for sentence in answer(run, summarize(run)))


def test_ratios_are_taken_within_passes() -> None:
    """A machine that is three times slower in every second pass changes nothing."""
    calm = run_of((group(), {"async-native": 0.8, "async-loop": 1.3, "async-documented": 1.0}))
    stormy = Run(
        calm.header,
        trials=[
            Trial(one.number, one.database, one.scenario, one.contender, 100, one.wall * (1 + 2 * (one.number % 2)), one.cpu)
            for one in calm.trials
        ],
    )
    for before, after in zip(summarize(calm)[0].rows[1:], summarize(stormy)[0].rows[1:], strict=True):
        first, second = before.measured["wall"].estimate, after.measured["wall"].estimate
        assert first
        assert second
        assert first.ratio == pytest.approx(second.ratio)
        assert first.high == pytest.approx(second.high)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    run = run_of((group(), {"async-native": 0.8, "async-loop": 1.3, "async-documented": 1.0}))
    record(tmp_path / "raw.jsonl", run)
    assert rendered(read(tmp_path / "raw.jsonl")) == rendered(run)
    assert draw(read(tmp_path / "raw.jsonl")) == draw(run)


def test_a_run_that_ended_early_is_reported_as_one(tmp_path: Path) -> None:
    run = run_of((group(), {"async-native": 0.8, "async-loop": 1.3, "async-documented": 1.0}))
    record(tmp_path / "raw.jsonl", run, 14)
    with (tmp_path / "raw.jsonl").open("a") as file:
        file.write('{"line": "trial", "number": 3, "datab')
    partial = read(tmp_path / "raw.jsonl")
    assert len(partial.trials) == 14
    text = rendered(partial)
    assert "The run in process ended early: 14 of 30 trials." in text
    (comparison,) = summarize(partial)
    estimates = [measured.estimate for one in comparison.rows for measured in one.measured.values() if measured.estimate]
    assert {estimate.restarts for estimate in estimates} <= {2, 3}


def test_the_picture_is_sound_xml_with_a_mark_for_every_ratio() -> None:
    run = run_of((group(title="a < b & c"), {"async-native": 0.8, "async-loop": 1.3, "async-documented": 1.0}))
    tree = ElementTree.fromstring(draw(run))
    named = [element.text or "" for element in tree.iter("{http://www.w3.org/2000/svg}title")]
    assert sum("a < b & c, async-native: 0.80 [0.79, 0.81]" in name for name in named) == 2
    assert (
        sum("a < b & c, async-loop" in name for name in named)
        == sum("a < b & c, async-documented" in name for name in named)
        == 2
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no results yet"),
        ("no json\n", "is not a raw file of benchmark results"),
        ('{"line": "trial"}\n', "is not a raw file of benchmark results"),
        ("[]\n", "is not a raw file of benchmark results"),
        ('{"line": "header", "kind": "micro", "schema": 99}\n', "is of kind 'micro', schema 99; read here are 'micro', 1"),
        ('{"line": "header", "kind": "load", "schema": 1}\n', "is of kind 'load', schema 1; read here are 'micro', 1"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "raw.jsonl"
    path.write_text(text, "utf-8")
    with pytest.raises(ResultsError, match=re.escape(f"{path}: {reason}")):
        read(path)
    with pytest.raises(ResultsError, match=r"missing\.jsonl: cannot be read: No such file or directory"):
        read(tmp_path / "missing.jsonl")


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def micro_run() -> Run:
    return run_of((group(), {"async-native": 0.8, "async-loop": 1.3, "async-documented": 1.0}))


def test_check_fails_when_the_report_or_a_picture_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raw, output = tmp_path / "raw" / "micro.jsonl", tmp_path / "out"
    record(raw, micro_run())
    load = tmp_path / "raw" / "load.jsonl"
    report_data.record(load, report_data.run_of(report_data.few_cells()))
    arguments = ("report", str(raw), str(load), "--output", str(output))
    assert command(monkeypatch, *arguments, "--check") == 1
    assert not output.exists()
    assert command(monkeypatch, *arguments) == 0
    written = output / "RESULTS.md"
    assert not list(raw.parent.glob("*.svg"))
    pictures = sorted(output.glob("*.svg"))
    assert {path.name for path in pictures} >= {"micro.svg", "load-overview.svg", "load-forest.svg", "load-capacity.svg"}
    assert command(monkeypatch, *arguments, "--check") == 0
    capsys.readouterr()
    for path in (written, *pictures):
        text = path.read_text("utf-8")
        path.write_text(text + " ", "utf-8")
        assert command(monkeypatch, *arguments, "--check") == 1
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert f"{path} is not what the raw results give: python -m benchmarks report {raw} {load} --output {output}" in error
        path.write_text(text, "utf-8")
    pictures[0].unlink()
    assert command(monkeypatch, *arguments, "--check") == 1


@pytest.mark.parametrize("folder", ["out", "raw", "raw/deeper", "."])
def test_every_link_of_the_report_leads_somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    monkeypatch.chdir(tmp_path)
    record(tmp_path / "raw" / "micro.jsonl", micro_run())
    report_data.record(tmp_path / "raw" / "load.jsonl", report_data.run_of(report_data.few_cells()))
    assert command(monkeypatch, "report", "raw/micro.jsonl", "raw/load.jsonl", "--output", folder) == 0
    text = (tmp_path / folder / "RESULTS.md").read_text("utf-8")
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in text.splitlines() if line[:1] == "#"
    }
    headings |= set(re.findall(r'<a id="([^"]+)">', text))
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert sum(link.endswith(".svg") for link in links) == 6
    for link in links:
        assert link[1:] in headings if link.startswith("#") else (tmp_path / folder / link).is_file()


def test_without_a_folder_the_report_is_beside_the_first_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    record(tmp_path / "raw" / "micro.jsonl", micro_run())
    assert command(monkeypatch, "report", "raw/micro.jsonl") == 0
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["RESULTS.md", "micro.jsonl", "micro.svg"]
    assert capsys.readouterr().out.splitlines() == ["Written: raw/micro.svg", "Written: raw/RESULTS.md"]


def test_without_a_file_it_is_of_the_committed_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command(monkeypatch, "report") == 2
    assert "benchmarks/results: has none of load.jsonl, micro.jsonl, instructions.jsonl" in capsys.readouterr().err
    record(tmp_path / "benchmarks" / "results" / "micro.jsonl", micro_run())
    assert command(monkeypatch, "report") == 0
    assert "](benchmarks/results/micro.svg)" in (tmp_path / "RESULTS.md").read_text("utf-8")
    assert [path.name for path in tmp_path.glob("**/*.svg")] == ["micro.svg"]
    assert command(monkeypatch, "report", "--output", "build") == 0
    assert "](micro.svg)" in (tmp_path / "build" / "RESULTS.md").read_text("utf-8")
    assert (tmp_path / "build" / "micro.svg").exists()


def test_wrong_input_is_one_line_and_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, other = (tmp_path / name for name in ("a.jsonl", "b.jsonl", "c.jsonl"))
    record(first, micro_run())
    record(second, micro_run())
    other.write_text('{"line": "header", "kind": ["odd"], "schema": 1}\n', "utf-8")
    blocked = tmp_path / "file"
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


def test_what_is_missing_says_which_command_makes_it() -> None:
    text = rendered(micro_run())
    assert text.count("`python -m benchmarks run --profile standard --output benchmarks/results/load.jsonl`") >= 8
    assert "`python -m benchmarks instructions --output benchmarks/results/instructions.jsonl`" in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == SECTIONS


SECTIONS = [
    "## 1. Verdicts",
    "## 2. When async wins: waiting and concurrency",
    "## 3. The ratios of section 1 with their intervals",
    "## 4. What a request costs, and what a server occupies",
    "## 5. Latency at equal rates",
    "## 6. Where the microseconds go",
    "## 7. What fails, where and how",
    "## 8. What async costs in code",
    "## 9. Validity",
    "## 10. Environment, versions, equal terms",
    "## 11. When to choose what, and what this does not show",
]


def test_the_committed_report_is_what_the_committed_results_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert command(monkeypatch, "report", "--check") == 0


def test_the_committed_results_are_of_complete_runs_and_name_no_folders() -> None:
    folder = ROOT / "benchmarks" / "results"
    first = json.loads((folder / "micro.jsonl").read_text("utf-8").partition("\n")[0])
    assert {one["database"] for one in first["groups"]} == {"none", "sqlite", "postgresql"}
    report = (ROOT / "RESULTS.md").read_text("utf-8")
    assert "\n> **" not in report  # no warning
    for path in (ROOT / "RESULTS.md", *folder.glob("*.jsonl")):
        assert not re.search(r"/(home|root|tmp|work)/", path.read_text("utf-8")), path


def test_make_results_counts_as_the_committed_counts_were_made() -> None:
    first = json.loads((ROOT / "benchmarks" / "results" / "instructions.jsonl").read_text("utf-8").partition("\n")[0])
    assert f"{first['command']}\n" in (ROOT / "Makefile").read_text("utf-8")
