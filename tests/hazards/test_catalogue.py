"""Every hazard: the runtime is free of it, the documented path is as recorded for the pinned versions, and the report says so."""

from importlib.metadata import version
from pathlib import Path

import pytest

from benchmarks.hazards.catalogue import HAZARDS
from benchmarks.hazards.hazard import Hazard, Observation
from benchmarks.hazards.runner import plan
from benchmarks.raw import Recorder
from benchmarks.raw import hazards as raw
from benchmarks.report.model import Runs, report
from benchmarks.report.pages import Links
from benchmarks.report.pages import render as render_report
from tests.benchmarks import report_data
from tests.hazards.conftest import Sides

ENVIRONMENT = report_data.header([]).environment
HEADER = raw.HazardHeader("2026-01-01T00:00:00+00:00", "python -m benchmarks hazards", [*HAZARDS], ENVIRONMENT)


@pytest.fixture(params=HAZARDS)
def hazard(request: pytest.FixtureRequest) -> Hazard:
    return HAZARDS[request.param]


@pytest.mark.parametrize("model", ["async-loop", "async-native"])
def test_runtime_is_free_of_it(sides: Sides, hazard: Hazard, model: str) -> None:
    side = sides[hazard.name, model]
    assert not side.broken, f"{side.outcome}; {side}"
    assert side.end == "exit 0"


def test_documented_path_is_as_recorded(sides: Sides, hazard: Hazard) -> None:
    side = sides[hazard.name, "documented"]
    change = hazard.change(side.broken, version(hazard.package))
    assert change is None, f"{change} ({side.outcome})"
    assert side.facts or side.end != "exit 1", f"its script failed: {side}"  # it may also crash or hang


def test_upstream_fix_is_told_in_so_many_words() -> None:
    h2 = HAZARDS["h2"]
    assert h2.change(broken=True, version="2.0") is None
    assert h2.change(broken=False, version="2.0") == "H2 is fixed upstream in advanced-alchemy 2.0: update the catalogue"
    assert HAZARDS["h28"].change(broken=True, version="4.0") == "H28 is new in flask 4.0: update the catalogue"


def test_names_and_anchors_are_in_order_and_unlike() -> None:
    assert [*HAZARDS] == [f"h{number}" for number in range(1, len(HAZARDS) + 1)]
    assert len({hazard.anchor for hazard in HAZARDS.values()}) == len(HAZARDS)


def test_no_text_is_missing(hazard: Hazard) -> None:
    texts = (hazard.title, hazard.writes, hazard.happens, hazard.why, hazard.instead, hazard.ours, hazard.upstream)
    assert all(text.strip() for text in texts)
    assert not hazard.title.endswith(".")
    assert "`" in hazard.why or "PEP" in hazard.why or "asyncio" in hazard.why or hazard.name == "h27"


@pytest.mark.parametrize("end", ["SIGSEGV", "time limit", "exit 1"])
def test_side_that_dies_is_broken_whatever_it_said(hazard: Hazard, end: str) -> None:
    outcome = hazard.outcome(Observation({"anything": 1}, end, (), 1.0))
    assert outcome.broken
    assert {"SIGSEGV": "SIGSEGV", "time limit": "hung", "exit 1": "exit 1"}[end] in outcome.sentence


def test_plan_leaves_out_what_has_no_part_in_a_database() -> None:
    chosen = [HAZARDS[name] for name in ("h1", "h2", "h14")]
    assert [task.database for task in plan(chosen)] == ["postgresql"] * 3 + ["sqlite"] * 3 + ["none"] * 3
    assert [task.hazard.name for task in plan(chosen, "sqlite")] == ["h2"] * 3 + ["h14"] * 3


@pytest.fixture
def recorded(sides: Sides, tmp_path: Path) -> raw.HazardRun:
    path = tmp_path / "hazards.jsonl"
    recorder = Recorder(path)
    for record in (HEADER, *sides.values()):
        recorder.write(record)
    recorder.close()
    return raw.read(path)


def test_raw_file_gives_back_what_was_written(sides: Sides, recorded: raw.HazardRun) -> None:
    assert recorded.header == HEADER
    assert {(side.hazard, side.model): side.outcome for side in recorded.sides} == {
        key: side.outcome for key, side in sides.items()
    }


def render(run: raw.HazardRun) -> str:
    return render_report(
        report(Runs(hazards=run)), Links("", {"hazards": "hazards.jsonl"}, "reproductions"), published=False
    ).pages["hazards"]


def test_section_has_an_anchor_and_a_script_for_each_hazard(recorded: raw.HazardRun) -> None:
    section = render(recorded)
    for hazard in HAZARDS.values():
        assert section.count(f'<a id="{hazard.anchor}"></a>') == 1
        assert section.count(f"| [{hazard.name.upper()}](#{hazard.anchor})") == 1
        assert f"(reproductions/{hazard.script.name})" in section
    assert render(recorded) == section


def test_section_names_no_path_of_this_machine(recorded: raw.HazardRun) -> None:
    section = render(recorded)
    assert not [part for part in (str(Path.cwd()), str(Path.home()), "site-packages", "/tmp/flask-async") if part in section]


def test_table_has_a_row_of_five_cells_for_each_hazard(recorded: raw.HazardRun) -> None:
    rows = [line for line in render(recorded).splitlines() if line.startswith("| [")]
    assert len(rows) == len(HAZARDS)
    assert {row.count(" | ") for row in rows} == {4}
    assert {row.split("]")[0][3:] for row in rows if "✎" in row} == {h.name.upper() for h in HAZARDS.values() if h.by_hand}
    assert {row.split("]")[0][3:] for row in rows if "⚠" in row} == {h.name.upper() for h in HAZARDS.values() if h.price}
