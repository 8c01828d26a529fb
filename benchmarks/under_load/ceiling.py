"""What the generator can do, and whether another one sees the same capacity: wrk, where it is installed."""

import re
import shutil
import subprocess
import time

from benchmarks.raw.load import Ceiling, Crosscheck
from benchmarks.subjects.contenders import Contender
from benchmarks.subjects.scenarios import SCENARIOS
from benchmarks.under_load.driver import DriverError, Order
from benchmarks.under_load.server import serving
from benchmarks.under_load.stage import Stage
from benchmarks.under_load.trivial import trivial_server

CONNECTIONS = 32
SECONDS = 1.0
WARMUP = 0.3
SETTLE_SECONDS = 0.3
"""Before each turn: wrk drops its connections at its end, and a server goes on with what they had sent."""


def ceiling(stage: Stage) -> Ceiling:
    """Load on a server that does nothing. Raises `DriverError`."""
    with trivial_server(stage.placement.server) as port, stage.generator.opened(port, CONNECTIONS) as drive:
        outcome = drive(Order(("noop",), stage.books, SECONDS, warmup=WARMUP))
    total = sum(outcome.answered.values())
    return Ceiling(outcome.loop, CONNECTIONS, outcome.throughput, outcome.cpu / total)


def wrk_is_installed() -> bool:
    """Whether there is another generator to compare with."""
    return shutil.which("wrk") is not None


def crosscheck(stage: Stage, database: str, scenario: str, contender: Contender, pairs: int, seconds: float) -> Crosscheck:
    """Closed loops of the generator and of wrk in turns, with one fixed request, on one server.

    Pairs in which one of them saw no answer are left out. Raises `ServerError` and `DriverError`.
    """
    found: list[dict[bool, float]] = []
    request = SCENARIOS[scenario].request
    assert request
    path = request(0, stage.books).path
    with serving(contender, stage.settings(database, contender), stage.placement.server) as server:
        order = Order((scenario,), stage.books, seconds, fixed=True)
        _generator(stage, server.port, order)  # so that neither meets a cold server; and neither warms up, for wrk cannot
        for place in range(pairs):
            pair = {}
            for mine in (True, False) if place % 2 else (False, True):
                time.sleep(SETTLE_SECONDS)
                pair[mine] = _generator(stage, server.port, order) if mine else _wrk(f"{server.url}{path}", seconds)
            found.append(pair)
    seen = [pair for pair in found if min(pair.values()) > 0]
    ours, theirs = ([pair[mine] for pair in seen] for mine in (True, False))
    return Crosscheck(database, scenario, contender.name, CONNECTIONS, ours, theirs)


def _generator(stage: Stage, port: int, order: Order) -> float:
    """Requests a second, as wrk counts them: what is on its way at the end, a request on each connection, is not waited for.

    wrk opens its connections within its time, which takes 2 ms.
    """
    with stage.generator.opened(port, CONNECTIONS) as drive:
        outcome = drive(order)
    return (outcome.count - CONNECTIONS) / order.seconds


def _wrk(url: str, seconds: float) -> float:
    """Requests a second; on the cores of this process."""
    whole = max(1, round(seconds))
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{whole}s", url]
    output = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if not found or "Non-2xx" in output:
        raise DriverError(f"wrk failed: {output.strip().rpartition(chr(10))[2] or 'without a word'}")
    return float(found[1])
