"""Ways to serve the apps, each with the command of a run: they answer right, one after the other and several at once."""

from __future__ import annotations

import pytest

from benchmarks.subjects import contenders
from benchmarks.subjects.apps.runtime import create, create_mixed_asgi
from benchmarks.subjects.contenders import CONTENDERS
from benchmarks.subjects.profiles import PROFILES, cells
from benchmarks.under_load.correctness import TOGETHER, examine
from benchmarks.under_load.seats import seated
from benchmarks.under_load.stage import Stage
from flask_oneloop.places import runs_on_loop

pytestmark = pytest.mark.usefixtures("forked_servers")
WAYS = [
    *("sync-stock", "sync-a2wsgi", "sync-granian"),
    *("async-native-granian", "async-native-hypercorn", "async-native-gunicorn", "async-gevent"),
    *("sync-threads-2-workers", "async-loop-2-workers", "async-native-2-workers"),
]
ASKED = ("noop", "read", "list", "create")


@pytest.mark.parametrize("name", WAYS)
def test_it_answers_right(stage: Stage, name: str) -> None:
    with seated(stage, "sqlite", [CONTENDERS[name]]) as seats:
        asked = (
            ASKED[:-1] if name == "async-gevent" else ASKED
        )  # a writer of SQLite that waits for another one stops all greenlets
        assert examine(seats[name], asked) == dict.fromkeys((*asked, TOGETHER))


@pytest.mark.parametrize("name", ["async-wsgi-to-asgi-own-context", "mixed-thread"])
def test_a_thread_per_request_works_where_no_database_is_asked(stage: Stage, name: str) -> None:
    with seated(stage, "sqlite", [CONTENDERS[name]]) as seats:
        assert examine(seats[name], ["noop"]) == {"noop": None, TOGETHER: None}


def test_the_empty_view_of_the_mixed_app_is_for_a_thread_and_all_others_are_for_the_loop() -> None:
    app = create()
    mixed = create_mixed_asgi()
    where = {name: runs_on_loop(view, "GET") for name, view in mixed.app.view_functions.items() if name != "static"}
    assert {name for name, on_loop in where.items() if not on_loop} == {"noop"}
    assert runs_on_loop(app.view_functions["noop"], "GET")


def test_workers_share_the_connections_that_one_has() -> None:
    two = CONTENDERS["sync-threads-2-workers"]
    assert 2 * int(two.settings({})["POOL_SIZE"]) == int(CONTENDERS["sync-threads"].settings({})["POOL_SIZE"])
    assert two.command(1, "").count("--workers") == 2, "the last one counts"


@pytest.mark.parametrize("gil", [True, False])
def test_who_needs_a_python_without_a_gil_is_left_out_where_there_is_one(monkeypatch: pytest.MonkeyPatch, gil: bool) -> None:
    monkeypatch.setattr(contenders, "GIL", gil)
    assert CONTENDERS["sync-freethreaded"].lacking == (contenders.HAS_GIL if gil else None)
    asked = {name for cell in cells(PROFILES["full"]) for name in cell.contenders}
    assert ("sync-freethreaded" in asked) is not gil
    assert [line.split(";")[0] for line in contenders.left_out()] == ["Left out here: sync-freethreaded"] * gil
