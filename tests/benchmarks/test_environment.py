"""What a run says that it ran on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchmarks.machinery import environment


@pytest.mark.parametrize("name", ["benchmarks/subjects/contenders.py", "benchmarks/load/plan.py", "catalog/fixtures/book.json"])
def test_the_commit_is_marked_where_a_measured_file_is_new_or_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments], check=True, cwd=tmp_path)

    def commit() -> str | None:
        found: str | None = environment.environment()["commit"]
        return found

    measured = tmp_path / name
    measured.parent.mkdir(parents=True)
    monkeypatch.setattr(environment, "__file__", str(tmp_path / "benchmarks" / "machinery" / "environment.py"))
    assert commit() is None
    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "nothing")
    (tmp_path / "README.md").write_text("not measured")
    before = commit()
    assert before
    assert len(before) == 12
    measured.write_text("new")
    assert commit() == f"{before}+"
    git("add", "--all")
    git("commit", "--quiet", "--message", "it")
    after = commit()
    assert after
    assert after != before
    assert len(after) == 12
    measured.write_text("other")
    assert commit() == f"{after}+"
