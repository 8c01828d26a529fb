"""The slices of a trial in its raw file: what they add up to, and what is not taken for slices."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.load import Histogram
from benchmarks.raw import ResultsError
from benchmarks.raw.load import LoadRun, SliceColumns, read

from .report_data import few_cells, record, run_of

SLICES = SliceColumns(
    turn=(0, 2, 4),
    turns=(2, 2, 1),
    began=(0.01, 0.2, 0.35),
    seconds=(0.0625, 0.125, 0.0625),
    answered=(20, 35, 15),
    server_cpu=(0.05, 0.0625, 0.03125),
    switches=(90, 100, 30),
    database_cpu=(0.03125, 0.0625, 0.03125),
    steal=(0.0, 0.25, 0.5),
)


@pytest.fixture(scope="module")
def run() -> LoadRun:
    """Of two trials: where everything is known, and where the system does not count switches and the database is elsewhere."""
    whole = run_of(few_cells())
    unknown = replace(SLICES, switches=None, database_cpu=None)
    return replace(whole, trials=[replace(one, slices=each) for one, each in zip(whole.trials, (SLICES, unknown), strict=False)])


def test_what_is_read_is_what_was_written(run: LoadRun, tmp_path: Path) -> None:
    record(tmp_path / "load.jsonl", run)
    assert read(tmp_path / "load.jsonl").trials == run.trials


def test_what_only_some_trials_have_is_read_and_may_lack(run: LoadRun, tmp_path: Path) -> None:
    """The first second of an open loop, and what the server collected."""
    known, unknown = run.trials
    more = replace(known, first_second=Histogram.of([0.1, 0.2]), collections=[0.07, 0.11])
    record(tmp_path / "load.jsonl", replace(run, trials=[more, unknown]))
    found = read(tmp_path / "load.jsonl").trials
    assert found == [more, unknown]
    assert found[0].count == known.count + 2
    assert found[0].overall == known.overall
    lines = [json.loads(line) for line in (tmp_path / "load.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("first_second", None), line.pop("collections", None)
    (tmp_path / "old.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read(tmp_path / "old.jsonl").trials == run.trials


def test_totals_are_sums_and_steal_a_share_of_the_time(run: LoadRun) -> None:
    known, unknown = run.trials
    assert known.seconds == unknown.seconds == 0.25
    assert known.server_cpu == 0.14375
    assert known.database_cpu == 0.125
    assert unknown.database_cpu is None
    assert known.steal == (0.25 * 0.125 + 0.5 * 0.0625) / 0.25
    assert known.throughput == known.count / 0.25
    assert known.cpu_per_request == 0.14375 / known.count


@pytest.mark.parametrize("name", [name for name, column in asdict(SLICES).items() if column])
@pytest.mark.parametrize("change", [[1, 2], [1, 2, None], [1, 2, "x"], [1, 2, math.inf], None, 3])
def test_columns_that_do_not_fit_are_refused_in_one_line(run: LoadRun, tmp_path: Path, name: str, change: Any) -> None:
    if change is None and name in ("switches", "database_cpu"):
        change = []
    path = tmp_path / "load.jsonl"
    record(path, run)
    *lines, trial, crosscheck = map(json.loads, path.read_text().splitlines())
    assert trial["line"] == "trial"
    trial["slices"] |= {"turn": [0, 1, 2], name: change}
    path.write_text("".join(json.dumps(line) + "\n" for line in (*lines, trial, crosscheck)))
    with pytest.raises(ResultsError, match=f"^{path}: is not a raw file of benchmark results$"):
        read(path)


def test_a_file_from_before_slices_were_recorded_is_refused(run: LoadRun, tmp_path: Path) -> None:
    path = tmp_path / "load.jsonl"
    record(path, replace(run, header=replace(run.header, schema=2)))
    with pytest.raises(ResultsError, match=r"is of kind 'load', schema 2; read here are 'load', 3$"):
        read(path)
