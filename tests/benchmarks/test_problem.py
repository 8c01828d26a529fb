"""A problem comes back from a raw file as it was written."""

from pathlib import Path

import pytest

from benchmarks.raw import Recorder
from benchmarks.raw.load import Failure, read
from benchmarks.raw.problem import Problem, ProblemKind
from tests.benchmarks.measured import run_of

PROBLEMS = [
    Problem("RuntimeError: it broke"),
    Problem.of_load(2, 1000, "status 500, not 200"),
    Problem.unasked(),
    Problem("the server ended under load: without a word", ProblemKind.SERVER),
]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_problem_comes_back(problem: Problem, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "raw.jsonl")
    recorder.write(run_of([]).header)
    recorder.write(Failure("sqlite", "read", "async-native", "closed-8", problem))
    recorder.close()
    (failure,) = read(tmp_path / "raw.jsonl").failures
    assert failure.problem == problem
