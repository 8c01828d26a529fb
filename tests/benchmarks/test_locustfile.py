"""The scenarios on Locust: a master and a worker, as on two machines, on a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from benchmarks.subjects.contenders import CONTENDERS
from benchmarks.subjects.scenarios import SCENARIOS
from benchmarks.under_load.server import ContenderServer, free_port, serving
from benchmarks.under_load.stage import Stage

from .conftest import BOOKS

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("forked_servers")
LOCUST = (sys.executable, "-m", "locust", "-f", "benchmarks/under_load/locustfile.py", "--skip-log-setup")


@pytest.fixture(scope="module")
def server(stage: Stage) -> Iterator[ContenderServer]:
    contender = CONTENDERS["async-native"]
    with serving(contender, stage.settings("sqlite", contender)) as server:
        yield server


def locust(url: str, scenarios: tuple[str, ...], books: int) -> tuple[int, dict[str, dict[str, Any]]]:
    """The master's exit status, and its statistics by kind of request."""
    port = str(free_port())
    load = ("--host", url, "--users", "4", "--spawn-rate", "100", "--run-time", "2s", "--books", str(books))
    master = (*LOCUST, "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--expect-workers", "1")
    worker = (*LOCUST, "--worker", "--master-host", "127.0.0.1", "--master-port", port)
    with ExitStack() as stack:
        running = []
        for command in ((*master, "--headless", "--json", *load, *scenarios), worker):
            process = stack.enter_context(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            running.append(process)
        said = [process.communicate(timeout=60)[0] for process in running]
    return running[0].returncode, {one["name"]: one for one in json.loads(said[0])}


def test_a_master_and_a_worker_ask_what_the_scenarios_ask_and_tell_right_from_wrong(server: ContenderServer) -> None:
    fewer = BOOKS - 100  # so that the report tells of more authors than are expected
    status, found = locust(server.url, ("mixed", "fan-out"), fewer)
    assert status == 1
    assert {"read", "fan-out"} <= found.keys() <= {"read", "list", "create", "fan-out"}
    assert found["read"]["num_requests"] > 0 == found["read"]["num_failures"]
    assert found["fan-out"]["num_failures"] == found["fan-out"]["num_requests"] > 0


def test_every_scenario_can_be_named() -> None:
    listed = subprocess.run([*LOCUST, "--list"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert {line.strip() for line in listed.stdout.splitlines()[1:]} == SCENARIOS.keys()
