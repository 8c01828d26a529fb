"""What asks a service or waits is answered right by views of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection

import pytest

from benchmarks.subjects.contenders import CONTENDERS
from benchmarks.subjects.profiles import PROFILES, cells
from benchmarks.subjects.scenarios import SCENARIOS
from benchmarks.under_load.correctness import TOGETHER, examine
from benchmarks.under_load.driver import Order
from benchmarks.under_load.seats import Seat, seated
from benchmarks.under_load.stage import Stage
from benchmarks.under_load.trivial import trivial_server

pytestmark = pytest.mark.usefixtures("forked_servers")
CONTENDER = ("sync-threads", "sync-gevent", "async-loop", "async-native")
ASKED = ("upstream-1", "upstream-5", "block", "block-in-thread", "blocking", "in-flight-500", "read-once", "newcomers")


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with trivial_server((), 20) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module", params=CONTENDER)
def seat(request: pytest.FixtureRequest, stage: Stage, upstream: str) -> Iterator[Seat]:
    with seated(replace(stage, upstream=upstream), "sqlite", [CONTENDERS[request.param]]) as seats:
        yield seats[request.param]


def test_it_is_answered_right(seat: Seat) -> None:
    assert examine(seat, ASKED) == dict.fromkeys((*ASKED, TOGETHER))


def test_an_answer_takes_no_less_than_what_is_waited_for(seat: Seat) -> None:
    seat.start()
    assert seat.server
    with seat.stage.generator.opened(seat.server.port, 1) as drive:
        for name in ("upstream-1", "block", "in-flight-500"):
            delay = SCENARIOS[name].delay
            assert delay
            outcome = drive(Order((name,), seat.stage.books, 0.6))
            assert not outcome.failed
            assert outcome.latency[name].percentile(0) >= delay / 1000 - 0.001


def test_who_asks_once_is_told_that_the_connection_closes(seat: Seat) -> None:
    seat.start()
    assert seat.server
    asked = SCENARIOS["read-once"].request
    assert asked
    for path, headers in ((asked(1, seat.stage.books).path, asked(1, seat.stage.books).headers), ("/noop", {})):
        with closing(HTTPConnection("127.0.0.1", seat.server.port, timeout=30)) as connection:
            connection.request("GET", path, headers=dict(headers))
            answer = connection.getresponse()
            assert answer.status == 200
            assert (answer.getheader("Connection") == "close") is bool(headers)


def test_only_the_full_profile_has_them() -> None:
    unusual = {name for name, one in SCENARIOS.items() if not one.usual}
    for name in ("smoke", "quick", "standard"):
        assert not unusual & {cell.scenario for cell in cells(PROFILES[name])}
    assert unusual <= {cell.scenario for cell in cells(PROFILES["full"])}
