"""Correct first: a contender is asked everything before it is measured, one request after the other and then all at once."""

import http.client
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from functools import partial
from itertools import count

from benchmarks.load import Request
from benchmarks.raw.problem import Problem
from benchmarks.subjects.scenarios import SCENARIOS
from benchmarks.under_load.driver import Order
from benchmarks.under_load.seats import Seat
from benchmarks.under_load.server import ContenderServer
from benchmarks.under_load.stage import Stage

TOGETHER = "together"
TIMES = 3
"""How often each request is sent, but for those whose answer is large."""
ONCE = ("bulk", "export")
TIMEOUT = 8.0
CONNECTIONS, SECONDS = 8, 0.7
FIRST = 100_000
"""Number of the first request of those sent together."""
Findings = dict[str, Problem | None]
"""What is wrong, by scenario and for `TOGETHER`; None where all answers are right."""


def examine(seat: Seat, scenarios: Sequence[str]) -> Findings:
    """Ask each scenario `TIMES` times, and then those that were right together; what was written is undone.

    A server that was wrong is ended, and another one asked what is left. Raises `DriverError`, and `CancelledError` once the run
    is over.
    """
    findings: Findings = {}
    numbers = count()
    try:
        for name in scenarios:
            if seat.stage.over.is_set():
                raise CancelledError
            findings[name] = _asked(seat, partial(_ask, name, seat.stage.books, numbers))
        right = tuple(name for name in scenarios if findings[name] is None)
        findings[TOGETHER] = _asked(seat, partial(_together, seat.stage, right)) if right else Problem.unasked()
        if len(right) == 1:  # then it is this one that goes wrong with several connections
            findings[right[0]] = findings[TOGETHER]
    finally:
        seat.undo_writes()
    return findings


def _asked(seat: Seat, ask: Callable[[ContenderServer], Problem | None]) -> Problem | None:
    """What is wrong with it, if anything; what it leaves behind must not become the next one's problem."""
    seat.start()
    if seat.server is None:
        return seat.problem
    if wrong := ask(seat.server):
        seat.stop()
        seat.undo_writes()
    return wrong


def _ask(name: str, books: int, numbers: Iterator[int], server: ContenderServer) -> Problem | None:
    for part in SCENARIOS[name].parts:
        request = SCENARIOS[part].request
        assert request
        for _ in range(1 if name in ONCE else TIMES):
            if wrong := _answer(server, request(next(numbers), books)):
                return Problem(server.last_error or wrong)
    return None


def _answer(server: ContenderServer, request: Request) -> str | None:
    """What is wrong with the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)
    try:
        connection.request(request.method, request.path, request.body or None, dict(request.headers))
        response = connection.getresponse()
        body = response.read()
    except TimeoutError:
        return f"no answer within {TIMEOUT:g} s"
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    if response.status != request.status:
        return f"status {response.status}, not {request.status}"
    return request.wrong(body)


def _together(stage: Stage, scenarios: tuple[str, ...], server: ContenderServer) -> Problem | None:
    with stage.generator.opened(server.port, CONNECTIONS) as drive:
        outcome = drive(Order(scenarios, stage.books, SECONDS, first=FIRST))
    if not outcome.failed:
        return None
    wrong, right = sum(outcome.failed.values()), sum(outcome.answered.values())
    return Problem.of_load(wrong, wrong + right, server.last_error or next(iter(outcome.examples.values())))
