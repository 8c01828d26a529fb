"""What async costs in code: counted by hand on a small pair of trees, and sound on the real one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.subjects.code_cost import ASYNC, CONCEPTS, GENERATED, LIBRARY, SYNC, code_cost, differing

ROOT = Path(__file__).parents[2]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def test_a_small_pair_of_trees_is_counted_right(tmp_path: Path) -> None:
    write(tmp_path / ASYNC / "views.py", '"""An async."""\n\n\nasync def view():\n    await query()\n    return 1\n')
    write(tmp_path / SYNC / "views.py", f'{GENERATED} from\n# x\n"""An async."""\n\ndef view():\n    query()\n    return 1\n')
    write(tmp_path / ASYNC / "asgi.py", "app = 1\n")
    write(tmp_path / LIBRARY / "loop.py", "async def a():\n    async with b:\n        pass\n")
    write(tmp_path / LIBRARY / "sessions.py", "a = 1\n\nb = 2\n")
    found = code_cost(tmp_path)
    assert found["files"] == [
        {"path": "asgi.py", "async": 1, "sync": None, "differ": 1, "generated": False},
        {"path": "flask_oneloop/loop.py", "async": 3, "sync": None, "differ": 3, "generated": False},
        {"path": "flask_oneloop/sessions.py", "async": 2, "sync": 2, "differ": 0, "generated": False},
        {"path": "views.py", "async": 4, "sync": 4, "differ": 2, "generated": True},
    ]
    assert found["totals"] == {
        "app": {"async": 5, "sync": 4, "differ": 3, "generated": 4},
        "runtime": {"async": 5, "sync": 2, "differ": 3, "generated": 0},
    }
    assert found["keywords"] == {"app": {"async": 1, "await": 1}, "runtime": {"async": 2, "await": 0}}


@pytest.mark.parametrize(
    ("ours", "theirs", "count"),
    [("abc", "abc", 0), ("abc", "axc", 1), ("abc", "axyc", 2), ("abc", "ac", 1), ("", "xy", 2), ("abcd", "bcde", 2)],
)
def test_lines_that_differ(ours: str, theirs: str, count: int) -> None:
    assert differing(list(ours), list(theirs)) == differing(list(theirs), list(ours)) == count


def test_of_the_real_apps_every_concept_has_its_file_and_all_is_plain_json() -> None:
    found = code_cost(ROOT)
    assert [one["path"] for one in found["concepts"]] == [path for _, path in CONCEPTS]
    assert json.loads(json.dumps(found)) == found
    generated = {one["path"] for one in found["files"] if one["generated"]}
    assert {"services.py", "routes/books.py", "config.py"} <= generated
    assert not {"overview.py", "driver.py", "asgi.py"} & generated
    app = found["totals"]["app"]
    assert 0 < app["differ"] < app["async"]
    assert found["keywords"]["app"]["await"] > 0
