"""The same catalogue on other frameworks answers as the Flask app does: status, kind and body."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import httpx
import pytest

from benchmarks.cli import main
from benchmarks.in_process.callers import ASGICaller
from benchmarks.in_process.cells import plan
from benchmarks.load import Request
from benchmarks.machinery.absent import surroundings
from benchmarks.machinery.databases import KINDS, SETTINGS, Databases, Kind
from benchmarks.machinery.postgres import PostgresServer
from benchmarks.subjects.contenders import CONTENDERS
from benchmarks.subjects.profiles import PROFILES, cells
from benchmarks.subjects.scenarios import JSON, SCENARIOS
from catalog import limits

BOOKS = 1_000
PEERS = [name for name, one in CONTENDERS.items() if one.model == "peer"]
OURS = "async-native"
NOBODY = "01890a5d-ac96-774b-bcce-b302099a8057"
RIGHT = ("noop", "read", "list", "fan-out", "create", "update")
WRONG = {
    "no key": Request("/books/x"),
    "nobody's key": Request(f"/books/{NOBODY}"),
    "unknown parameter": Request("/books?shelf=1"),
    "bad parameter": Request("/books?page=x"),
    "given twice": Request("/books?page=1&page=2"),
    "no such route": Request("/shelves"),
    "no such method": Request("/books", "DELETE"),
    "not sent as JSON": Request("/books", "POST", b"{}"),
    "not JSON": Request("/books", "POST", b"{", JSON),
    "a rule broken": Request("/books", "POST", json.dumps({"title": " ", "author_id": NOBODY}).encode(), JSON),
    "too large": Request("/books", "POST", b" " * (limits.BODY_BYTES + 1), JSON),
    "no such author": Request("/books", "POST", json.dumps({"title": "A title", "author_id": NOBODY}).encode(), JSON),
    "nobody changed": Request(f"/books/{NOBODY}", "PATCH", b'{"pages": 1}', JSON),
    "no page of it": Request("/books?after=&page_size=2"),
}
"""By what is wrong with them; the last is right, by key."""


Seeded = Callable[[Kind], Databases]


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[Seeded]:
    """Databases by their kind, made when they are first asked for."""
    before = {*postgres.created}

    @cache
    def seed(kind: Kind) -> Databases:
        made = Databases(kind, tmp_path_factory.mktemp("peers"), postgres if kind == "postgresql" else None)
        made.seed(BOOKS)
        return made

    yield seed
    for name in {*postgres.created} - before:
        postgres.drop_database(name)


@pytest.fixture(scope="module", params=KINDS)
def databases(request: pytest.FixtureRequest, seeded: Seeded) -> Databases:
    return seeded(request.param)


class Asked:
    """A contender's app, asked as by a server."""

    def __init__(self, name: str, copy: str, databases: Databases) -> None:
        contender = CONTENDERS[name]
        urls = databases.copy(copy.replace("-", "_"))
        self.caller = ASGICaller(contender.factory()({**contender.settings(urls), **SETTINGS}))

    def ask(self, request: Request) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.caller.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.request(request.method, request.path, content=request.body, headers=dict(request.headers))

        return self.caller.loop.run_until_complete(send())


@pytest.fixture(scope="module", params=PEERS)
def pair(request: pytest.FixtureRequest, databases: Databases) -> Iterator[tuple[Asked, Asked]]:
    """A peer and the Flask app, on databases of their own that are alike."""
    peer, flask = (Asked(name, f"{request.param}_{name}", databases) for name in (request.param, OURS))
    yield peer, flask
    peer.caller.close()
    flask.caller.close()


def shown(response: httpx.Response) -> tuple[int, Any]:
    """What must be the same; a new book has a key and times of its own."""
    if response.request.method == "GET":
        return response.status_code, response.content
    own = ("id", "created_at", "updated_at")
    body = response.json()
    return response.status_code, [(name, value) for name, value in body.items() if name not in own]


@pytest.mark.parametrize("name", RIGHT)
def test_a_peer_answers_right_and_as_the_flask_app_does(pair: tuple[Asked, Asked], name: str) -> None:
    peer, flask = pair
    asked = SCENARIOS[name].request
    assert asked
    request = asked(3, BOOKS)
    answer = peer.ask(request)
    assert answer.status_code == request.status
    assert request.wrong(answer.content) is None
    same = flask.ask(request)
    assert shown(answer) == shown(same)
    if request.status == 201:
        assert answer.headers["Location"] == f"/books/{answer.json()['id']}"
    if name != "noop":
        assert answer.headers["Content-Type"] == same.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("what", WRONG)
def test_a_peer_refuses_as_the_flask_app_does(pair: tuple[Asked, Asked], what: str) -> None:
    peer, flask = pair
    answer, same = peer.ask(WRONG[what]), flask.ask(WRONG[what])
    assert (answer.status_code, answer.content) == (same.status_code, same.content)
    assert answer.headers["Content-Type"] == same.headers["Content-Type"]


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_peer_waits_in_the_database(pair: tuple[Asked, Asked]) -> None:
    assert pair[0].ask(Request("/slow?ms=10")).json() == {"waited": 10}


def test_peers_are_asked_what_they_have_routes_for() -> None:
    scenarios = {cell.scenario for cell in plan(named=PEERS) if cell.contender in PEERS}
    assert scenarios == {"noop", "read", "list", "create", "update", "fan-out"}
    assert CONTENDERS[PEERS[0]].asked(SCENARIOS["mixed"].parts)
    assert not CONTENDERS[PEERS[0]].asked(SCENARIOS["export"].parts)


def test_where_the_extra_is_missing_it_is_said_in_one_line_and_nobody_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in PEERS:
        monkeypatch.setitem(CONTENDERS, name, replace(CONTENDERS[name], needs=("no_such_framework",)))
    monkeypatch.setattr(sys, "argv", ["benchmarks", "list"])
    with pytest.raises(SystemExit):
        main()
    said = [line for line in capsys.readouterr().out.splitlines() if "peer-" in line and line.startswith("Left out here")]
    assert said == [f"Left out here: {', '.join(PEERS)}; they need the extra peers: pip install -e '.[peers]'"]
    assert not {name for cell in cells(PROFILES["full"]) for name in cell.contenders} & {*PEERS}
    assert not {cell.contender for cell in plan()} & {*PEERS}
    assert not [one for one in PROFILES["full"].asked if {*one.contenders} & {*PEERS}]


@pytest.mark.parametrize(("name", "held"), [("sync-threads", []), ("peer-quart", []), ("peer-litestar", ["litestar"])])
def test_no_server_holds_what_only_another_one_asked_for(name: str, held: list[str]) -> None:
    code = "import sys, app_async.asgi; print([name for name in ('litestar', 'numpy') if sys.modules.get(name)])"
    environ = {**os.environ, **surroundings(CONTENDERS[name].needs)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == str(held)
