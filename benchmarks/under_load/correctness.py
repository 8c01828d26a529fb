"""Correct first: a contender is asked everything before it is measured, one request after the other and then all at once."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from itertools import count

from benchmarks.load import Request
from benchmarks.raw.problem import Problem
from benchmarks.subjects.contenders import Contender
from benchmarks.subjects.scenarios import SCENARIOS
from benchmarks.under_load.driver import Order
from benchmarks.under_load.server import Server, ServerError, serving
from benchmarks.under_load.stage import Stage, kind_of

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


def examine(stage: Stage, database: str, contender: Contender, scenarios: Sequence[str]) -> Findings:
    """Ask each scenario `TIMES` times on one server, and then those that were right together.

    Raises `DriverError`, and `CancelledError` once the run is over.
    """
    findings: Findings = {}
    numbers = count()
    try:
        while TOGETHER not in findings:
            if all(findings.get(name) for name in scenarios):
                findings[TOGETHER] = Problem.unasked()
                break
            with _served(stage, database, contender) as server:
                for name in (one for one in scenarios if one not in findings):
                    if stage.over.is_set():
                        raise CancelledError
                    findings[name] = _ask(server, name, stage.books, numbers)
                    if findings[name]:
                        break  # what it leaves behind must not become the next one's problem
                else:
                    right = tuple(name for name in scenarios if findings[name] is None)
                    findings[TOGETHER] = _together(stage, server, right)
    except ServerError as error:
        return {name: findings.get(name) or Problem(str(error)) for name in scenarios}
    return findings


@contextmanager
def _served(stage: Stage, database: str, contender: Contender) -> Iterator[Server]:
    try:
        placement = stage.placement
        cores = (*placement.server, *placement.others)
        with serving(contender, stage.settings(database, contender), cores) as server:
            yield server
    finally:
        stage.databases[kind_of(database)].undo_writes(stage.urls(database, contender))


def _ask(server: Server, name: str, books: int, numbers: Iterator[int]) -> Problem | None:
    for part in SCENARIOS[name].parts:
        request = SCENARIOS[part].request
        assert request
        for _ in range(1 if name in ONCE else TIMES):
            if wrong := _answer(server, request(next(numbers), books)):
                return Problem(server.last_error or wrong)
    return None


def _answer(server: Server, request: Request) -> str | None:
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


def _together(stage: Stage, server: Server, scenarios: tuple[str, ...]) -> Problem | None:
    with stage.generator.opened(server.port, CONNECTIONS) as drive:
        outcome = drive(Order(scenarios, stage.books, SECONDS, first=FIRST))
    if not outcome.failed:
        return None
    wrong, right = sum(outcome.failed.values()), sum(outcome.answered.values())
    return Problem.of_load(wrong, wrong + right, server.last_error or next(iter(outcome.examples.values())))
