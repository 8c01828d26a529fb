"""The promises, on slices that were recorded: 12 rounds of 40 passes over three servers that are the same, and a fourth.

PostgreSQL, `read`, 8 connections, slices of 0.04 s and the wait for the last answers, 4 threads (`native`: one event loop), on
two cores that other jobs loaded too. `cpu` and `seconds` are seconds, `answered` counts.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.analysis.calibration import calibrate
from benchmarks.analysis.estimate import contrast, spread
from benchmarks.analysis.proof import EXPERIMENTS, Experiment, Figures, broken, cells, figures, is_false, means, recorded, row
from benchmarks.analysis.robust import autocorrelation
from benchmarks.analysis.series import log_ratios
from benchmarks.analysis.slices import CPU, THROUGHPUT, Floats, Slices
from benchmarks.analysis.verdict import Verdict, judge
from benchmarks.cli import main
from benchmarks.raw import Recorder
from benchmarks.raw.load import Load, LoadRun
from benchmarks.raw.proof import read
from tests.benchmarks.measured import cell, run_of

ALIKE = ("baseline", "control", "replicate")
RUNS = 300


@pytest.fixture(scope="module")
def rounds() -> list[dict[str, Slices]]:
    read = json.loads((Path(__file__).parent / "data" / "slices.json").read_text())
    return [
        {name: Slices.of({**columns, "turn": range(40), "server_cpu": columns["cpu"]}) for name, columns in one.items()}
        for one in read
    ]


@pytest.fixture(scope="module")
def record(rounds: list[dict[str, Slices]]) -> list[Floats]:
    return recorded(rounds, ALIKE, CPU)


@pytest.fixture(scope="module")
def usual(record: list[Floats]) -> Figures:
    return figures(record, Experiment(), RUNS)


def test_what_was_recorded(rounds: list[dict[str, Slices]]) -> None:
    cell = [[log_ratios(one[name], [one["baseline"], one["control"]], CPU) for one in rounds] for name in ("native", "replicate")]
    cell.append([log_ratios(one["control"], [one["baseline"]], CPU) for one in rounds])
    native, replicate, control = (contrast([each], spreads=[spread(cell)]) for each in cell)
    assert [judge(one) for one in (native, replicate, control)] == [Verdict.BETTER, Verdict.SAME, Verdict.SAME]
    assert calibrate([control]).factor == 1
    assert (native.slices, native.restarts) == (480, 12)
    centred = [logs[0] - logs[0].mean() for logs in cell[2]]
    assert -0.3 < autocorrelation(centred) < 0.1


def test_intervals_contain_the_truth_and_verdicts_are_right(usual: Figures) -> None:
    assert 0.93 <= usual.coverage <= 0.985
    assert usual.false <= 0.05
    assert usual.same >= 0.8
    assert usual.found >= 0.9
    assert usual.slices == 5 * 24


@pytest.mark.parametrize("scatter", [0.02, 0.04])
def test_servers_that_differ_from_restart_to_restart(record: list[Floats], scatter: float) -> None:
    """It is the restarts' scatter that the interval then rests on."""
    found = figures(record, Experiment(passes=96, scatter=scatter), RUNS)
    assert 0.93 <= found.coverage <= 0.985
    assert found.false <= 0.06


def test_throughput_keeps_its_promise_too(rounds: list[dict[str, Slices]]) -> None:
    found = figures(recorded(rounds, ALIKE, THROUGHPUT), Experiment(), RUNS)
    assert 0.93 <= found.coverage <= 0.99
    assert found.false <= 0.05


def test_to_stop_on_width_is_no_cheating(record: list[Floats]) -> None:
    found = figures(record, Experiment(10, stops=True), RUNS)
    assert found.coverage >= 0.93
    assert found.false <= 0.05
    assert found.same >= 0.95
    assert 2 * 24 < found.slices < 10 * 24


def test_two_restarts_keep_the_promise_by_wide_intervals(record: list[Floats], usual: Figures) -> None:
    found = figures(record, Experiment(2), RUNS)
    assert found.coverage >= 0.93
    assert found.half_width > usual.half_width


def test_cells_of_a_run_are_simulated_with_their_effects_taken_off(made: LoadRun) -> None:
    found = list(cells(made))
    assert [(one.cell.scenario, quantity) for one, quantity, _ in found] == [("read", "cpu"), ("read", "throughput")]
    for one, quantity, logs in found:
        assert [each.shape for each in logs] == [(3, 30)] * 4
        assert np.ptp(np.mean(logs, axis=(0, 2))) < 0.05
        figured = row(one, quantity, logs, Experiment(4, None), 100)
        assert (figured.servers, figured.restarts, figured.slices) == (3, 4, 120)
        assert figured.coverage >= 0.9
        assert figured.found == 1


def test_means_and_promises(made: LoadRun) -> None:
    rows = [row(*found, EXPERIMENTS[0], 10) for found in cells(made)]
    rows = [replace(rows[0], coverage=0.9, same=1.0), replace(rows[0], scenario="list", coverage=1.0, same=0.2), rows[1]]
    rows += [replace(rows[0], scenario="slow-50", coverage=0.95, same=0.0)]
    overall, throughput, asked, waiting = means(rows)
    assert (overall.scenario, overall.quantity) == ("all cells", "cpu")
    assert [overall.coverage, overall.same] == pytest.approx([0.95, 0.4])
    assert (throughput.scenario, throughput.quantity) == ("all cells", "throughput")
    assert (asked.scenario, asked.quantity, asked.coverage, asked.same) == ("what `make bench` asks", "cpu", 0.9, 1.0)
    assert (waiting.scenario, waiting.same) == ("those that wait in a query", 0.0)
    assert "same" in broken(overall)
    assert "coverage" not in broken(overall)


@pytest.fixture(scope="module")
def made() -> LoadRun:
    """Two contenders, of which one costs half more; a cell whose rounds have too few passes, and an open loop."""
    costs = {"sync-threads": 0.002, "sync-threads-aa": 0.002, "async-native": 0.003}
    few = cell("sqlite", "create", Load(8), costs, passes=4)
    return run_of([cell("sqlite", "read", Load(8), costs), few, cell("sqlite", "read", Load(8, 60), costs)])


def test_the_command(made: LoadRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    written, output = tmp_path / "load.jsonl", tmp_path / "proof.jsonl"
    recorder = Recorder(written)
    for line in (made.header, *made.trials):
        recorder.write(line)
    recorder.close()
    assert command(monkeypatch, str(written), "--runs", "60", "--output", str(output)) == 0
    printed = capsys.readouterr().out
    assert [line.split()[:2] for line in printed.splitlines()[2:6]] == [["read,", "sqlite,"]] * 4
    found = read(output)
    assert (found.header.started, found.header.runs) == (made.header.started, 60)
    assert [(one.quantity, one.stops) for one in found.rows] == [
        (quantity, stops) for quantity in ("cpu", "throughput") for stops in (False, True)
    ]
    first = next(cells(made))
    assert found.rows[0] == row(*first, EXPERIMENTS[0], 60)


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "cannot be read: No such file"), ("{}\n", "is not a raw file"), ("few", "no closed loop has two rounds")],
)
def test_what_cannot_be_simulated_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str | None, words: str
) -> None:
    wrong, output = tmp_path / "load.jsonl", tmp_path / "proof.jsonl"
    if text == "few":
        recorder = Recorder(wrong)
        recorder.write(run_of([]).header)
        recorder.close()
    elif text:
        wrong.write_text(text)
    assert command(monkeypatch, str(wrong), "--output", str(output)) == 2
    printed, error = capsys.readouterr()
    assert printed == ""
    assert error.startswith(f"Error: {wrong}: ")
    assert error.count("\n") == 1
    assert words in error
    assert not output.exists()


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run it in this process; the exit status."""
    monkeypatch.setattr(sys, "argv", ["benchmarks", "proof", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_what_is_false() -> None:
    truths = (0.9, 0.97, 1.0, 1.03, 1.1)
    false = {verdict: [is_false(verdict, truth) for truth in truths] for verdict in Verdict}
    assert false == {
        Verdict.BETTER: [False, True, True, True, True],
        Verdict.SLIGHTLY_BETTER: [False, False, True, True, True],
        Verdict.SAME: [True, False, False, False, True],
        Verdict.SLIGHTLY_WORSE: [True, True, True, False, False],
        Verdict.WORSE: [True, True, True, True, False],
        Verdict.UNDECIDED: [False] * 5,
    }


def test_three_servers_at_least(record: list[Floats]) -> None:
    with pytest.raises(ValueError):
        figures([logs[:2] for logs in record], Experiment(), 1)
    assert np.isfinite(record).all()
