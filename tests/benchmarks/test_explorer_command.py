"""`explore`: the file it writes, the browser it opens, and one line with exit status 2 for what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cli import main

ROOT = Path(__file__).parents[2]
SLOWED = "tests/benchmarks/data/slowed.jsonl"
MICRO, HAZARDS = "benchmarks/results/micro.jsonl", "benchmarks/results/hazards.jsonl"


def test_the_file_is_written_and_opened(tmp_path: Path) -> None:
    browser, output = tmp_path / "browser", tmp_path / "made" / "explorer.html"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "explore", SLOWED, "--output", str(output)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"BROWSER": str(browser)},
    )
    assert (done.stdout, done.stderr) == (f"Written: {output}\n", "")
    assert (tmp_path / "opened").read_text() == output.as_uri()
    data = json.loads(
        output.read_text("utf-8").partition('<script type="application/json" id="data">')[2].partition("</script>")[0]
    )
    assert [one["label"] for one in data["runs"]] == [SLOWED]
    assert [one["name"] for one in data["hazards"] if one["sides"]][:2] == ["H1", "H2"]


FULL = "/dev/full"
"""On Linux, a disk that is full."""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.jsonl"], "nothing.jsonl: cannot be read: No such file or directory"),
        (["pyproject.toml"], "pyproject.toml: is not a raw file of benchmark results"),
        ([MICRO], f"{MICRO}: is of kind 'micro'; the explorer shows load and hazards"),
        (["{old}"], "old.jsonl: is of kind 'load', schema 2; read here are 'load', 3"),
        ([SLOWED] * 3, "3 runs under load and 1 of the hazards: 2 and 1 can be shown at most"),
        ([SLOWED, HAZARDS, HAZARDS], "1 runs under load and 2 of the hazards: 2 and 1 can be shown at most"),
        ([SLOWED, "--output", "pyproject.toml/explorer.html"], "pyproject.toml: cannot be written: "),
        ([SLOWED, "--output", "benchmarks"], "File 'benchmarks' is a directory"),
        *([([SLOWED, "--output", FULL], f"{FULL}: cannot be written: No space left on device")] if Path(FULL).exists() else []),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], words: str
) -> None:
    old = tmp_path / "old.jsonl"
    old.write_text('{"line": "header", "kind": "load", "schema": 2}\n')
    monkeypatch.chdir(ROOT)
    output = ["--output", str(tmp_path / "explorer.html")] if "--output" not in arguments else []
    named = [one.format(old=old) for one in arguments]
    monkeypatch.setattr(sys, "argv", ["benchmarks", "explore", "--no-open", *named, *output])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    written, error = capsys.readouterr()
    assert written == ""
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    assert words in error
    assert not (tmp_path / "explorer.html").exists()
