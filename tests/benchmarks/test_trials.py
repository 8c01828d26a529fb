"""The parts of a trial: who answers, what is sent, what is sampled, what has to add up."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from random import Random
from threading import Event

import psutil
import pytest

from benchmarks.load import Histogram, LoadOutcome, Request
from benchmarks.machinery import sampler
from benchmarks.machinery.databases import SETTINGS
from benchmarks.machinery.placement import move
from benchmarks.machinery.postgres import PostgresError
from benchmarks.machinery.postgres import PostgresServer as Postgres
from benchmarks.machinery.sampler import Times, cpu_times, memory, metering, postgres_cpu_seconds, switches, threads, tree
from benchmarks.raw.load import Load, LoadCell
from benchmarks.raw.problem import Problem, ProblemKind
from benchmarks.subjects.contenders import BASELINE, CONTENDERS
from benchmarks.subjects.scenarios import SCENARIOS
from benchmarks.under_load import ceiling as calibration
from benchmarks.under_load import trial
from benchmarks.under_load.ceiling import ceiling, crosscheck, wrk_is_installed
from benchmarks.under_load.correctness import TOGETHER, examine
from benchmarks.under_load.driver import DriverError, Generator, Order, driver
from benchmarks.under_load.seats import Seat, seated
from benchmarks.under_load.server import ServerError, collections, free_port, serving
from benchmarks.under_load.stage import Stage, require_backends

from .conftest import BOOKS

pytestmark = pytest.mark.usefixtures("forked_servers")
PAIR = (BASELINE, "async-native")


@pytest.fixture(scope="module")
def seats(stage: Stage) -> Iterator[Mapping[str, Seat]]:
    """Two real servers, for the tests that leave them as they were."""
    with seated(stage, "sqlite", [CONTENDERS[name] for name in PAIR]) as seats:
        yield seats


@pytest.fixture
def writer(seats: Mapping[str, Seat]) -> Seat:
    return seats["async-native"]


class Impostor(BaseHTTPRequestHandler):
    """Answers whatever is asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"another server")

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_was_there_before_is_not_taken_for_ours(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    contender = CONTENDERS[BASELINE]
    with HTTPServer(("127.0.0.1", 0), Impostor) as impostor:
        monkeypatch.setattr("benchmarks.under_load.server.free_port", lambda: impostor.server_port)
        monkeypatch.setattr("benchmarks.under_load.server.TRIES", 1)  # gunicorn insists on its port for five seconds
        thread = threading.Thread(target=impostor.serve_forever)
        thread.start()
        try:
            with (
                pytest.raises(ServerError, match=f"something else answers on port {impostor.server_port}"),
                serving(contender, stage.settings("sqlite", contender)),
            ):
                pass
        finally:
            impostor.shutdown()
            thread.join()


def test_a_port_that_somebody_takes_in_the_meantime_is_not_held_against_the_server(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    contender = CONTENDERS["async-native"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        offered = iter([taken.getsockname()[1], free_port()])
        monkeypatch.setattr("benchmarks.under_load.server.free_port", lambda: next(offered))
        with serving(contender, stage.settings("sqlite", contender)) as server:
            assert server.alive
            assert server.port != taken.getsockname()[1]


def test_no_port_is_given_twice() -> None:
    with ThreadPoolExecutor(8) as pool:
        ports = list(pool.map(lambda _: free_port(), range(500)))
    assert len(set(ports)) == 500


def test_a_server_that_does_not_start_says_why() -> None:
    contender = CONTENDERS["async-native"]
    settings = {**{name: str(value) for name, value in SETTINGS.items()}, "DATABASE_URL": "mysql://nowhere/nothing"}
    with pytest.raises(ServerError, match=r"ended instead of answering: .*DATABASE_URL: 'mysql' is not supported"):  # noqa: SIM117
        with serving(contender, settings):
            pass


@pytest.mark.parametrize("name", CONTENDERS)
def test_facts_are_plain(name: str) -> None:
    contender = CONTENDERS[name]
    command = contender.command(8123, "/somewhere")
    assert "8123" in " ".join(command)
    assert not [part for part in command if "{" in part]
    assert contender.facts()["drivers"].keys() == set(contender.databases)


def test_the_driver_is_named_for_postgresql_alone() -> None:
    urls = {"DATABASE_URL": "postgresql://u:p@h/d", "ACTIVITY_DATABASE_URL": "sqlite:////tmp/x.sqlite3"}
    settings = CONTENDERS["async-native-psycopg"].settings(urls)
    assert settings["DATABASE_URL"] == "postgresql+psycopg://u:p@h/d"
    assert settings["ACTIVITY_DATABASE_URL"] == urls["ACTIVITY_DATABASE_URL"]
    assert CONTENDERS["async-native"].settings(urls)["DATABASE_URL"] == "postgresql+asyncpg://u:p@h/d"


def test_no_write_of_an_order_is_sent_twice() -> None:
    (kind,) = Order(("create",), BOOKS, 1.0, first=3).plan(1, 1).mix
    assert callable(kind.request)
    bodies = [kind.request(Random(0)).body for _ in range(500)]
    assert len(set(bodies)) == 500
    (after,) = Order(("create",), BOOKS, 1.0, first=503).plan(1, 1).mix
    assert callable(after.request)
    assert after.request(Random(0)).body not in bodies
    (again,) = Order(("create",), BOOKS, 1.0, first=3).plan(1, 1).mix
    assert callable(again.request)
    assert again.request(Random(1)).body == bodies[0]


def test_mixed_scenarios_share_their_requests() -> None:
    plan = Order(("mixed", "read"), BOOKS, 1.0).plan(1, 1)
    assert {kind.name: round(kind.weight, 6) for kind in plan.mix} == {"read": 1.8, "list": 0.15, "create": 0.05}


def test_a_fixed_order_checks_the_status_alone() -> None:
    (kind,) = Order(("read",), BOOKS, 1.0, fixed=True).plan(1, 1).mix
    assert isinstance(kind.request, Request)
    assert kind.request.check is None


def test_a_generator_that_ended_is_an_error() -> None:
    with driver() as broken, broken.opened(free_port(), 1) as drive:
        with pytest.raises(DriverError, match="ended: ValueError: kinds in the mix are"):
            drive(Order((), BOOKS, 1.0))
        with pytest.raises(DriverError):
            drive(Order(("noop",), BOOKS, 1.0))


def test_loads_on_two_servers_in_turns(seats: Mapping[str, Seat], generator: Generator) -> None:
    first, second = (seats[name].server for name in PAIR)
    assert first
    assert second
    with (
        generator.opened(first.port, 3) as drive_first,
        generator.opened(second.port, 5) as drive_second,
    ):
        for number in range(2):
            for drive, server, count in ((drive_first, first, 3), (drive_second, second, 5)):
                outcome = drive(Order(("read",), BOOKS, 0.2, first=1_000 * number))
                assert outcome.count > 0
                assert not outcome.failed
                clients = [one for one in psutil.net_connections() if one.raddr and one.raddr.port == server.port]
                assert sum(one.status == psutil.CONN_ESTABLISHED for one in clients) == count


def test_a_contender_that_is_right_is_right_together(writer: Seat) -> None:
    scenarios = ["noop", "read", "mixed", "update", "export", "bulk"]
    asked = writer.server
    assert examine(writer, scenarios) == dict.fromkeys([*scenarios, TOGETHER])
    assert writer.server is asked, "it is measured then"
    assert writer.stored() == (0, 0)


def test_a_wrong_answer_is_found(stage: Stage) -> None:
    wrong = replace(stage, books=2 * BOOKS)  # expects books that are not there
    with seated(wrong, "sqlite", [CONTENDERS[BASELINE]]) as seats:
        seat = seats[BASELINE]
        first = seat.server
        found = examine(seat, ["list", "noop"])
        assert seat.server is not first, "what one that was wrong leaves behind is not the next scenario's problem"
    assert found["noop"] is None
    assert "wrong body" in str(found["list"])
    assert found[TOGETHER] is None


@pytest.mark.parametrize(
    ("answered", "failed", "wrong"),
    [
        ({"create": 2, "read": 7}, {}, None),
        ({"create": 1}, {"timeout": 1}, None),
        ({"create": 0}, {"timeout": 3}, None),
        ({"create": 3}, {"timeout": 5}, "3 writes were acknowledged, 2 are in the activity log"),
        ({"create": 1}, {}, "1 writes were acknowledged, 2 are in the activity log"),
    ],
)
def test_acknowledged_means_stored(writer: Seat, answered: dict[str, int], failed: dict[str, int], wrong: str | None) -> None:
    """Two books are made by a real server; what is said to have been acknowledged has to fit."""
    make_books(writer, 2)
    problem = wrong and Problem(wrong, ProblemKind.WRITES)
    assert trial.stored(writer, "mixed", Counter(answered), Counter(failed)) == (2, problem)
    assert trial.stored(writer, "mixed", Counter(), Counter()) == (0, None), "what was written is undone"


@pytest.mark.parametrize(("table", "wrong"), [("book", "2 books were acknowledged, 1 are stored"), ("activity", "2 writes were")])
def test_a_lost_row_is_found(writer: Seat, table: str, wrong: str) -> None:
    make_books(writer, 2)
    urls = writer.stage.urls("sqlite", writer.contender)
    url = urls["DATABASE_URL" if table == "book" else "ACTIVITY_DATABASE_URL"]
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute(f"DELETE FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table})")
    _, problem = trial.stored(writer, "create", Counter({"create": 2}), Counter())
    assert str(problem).startswith(wrong)


def make_books(seat: Seat, count: int) -> None:
    request, server = SCENARIOS["create"].request, seat.server
    assert request
    assert server
    for number in range(count):
        made = request(number, BOOKS)
        asked = urllib.request.Request(f"{server.url}{made.path}", made.body, dict(made.headers), method=made.method)
        with urllib.request.urlopen(asked) as answer:
            assert answer.status == 201


def part(stage: Stage, *, slices: int = 1, answered: int = 0, failed: int = 0) -> trial._Part:
    cell = LoadCell("sqlite", "read", Load(8), 1, 2.0, slices, (BASELINE,))
    made = trial._Part(Seat(stage, "sqlite", CONTENDERS[BASELINE]), trial.Round(1, cell, (CONTENDERS[BASELINE],), 0.0, 1))
    made.answered["read"], made.failed["status"], made.last_error = answered, failed, "status 500, not 200"
    return made


@pytest.mark.parametrize(
    ("answered", "failed", "wrong"),
    [
        (999, 1, None),
        (0, 0, None),
        (998, 2, Problem.of_load(2, 1000, "status 500, not 200")),
        (11, 1, Problem.of_load(1, 12, "status 500, not 200")),
    ],
)
def test_one_wrong_answer_in_a_thousand_is_tolerated_at_the_end_of_a_trial(
    stage: Stage, answered: int, failed: int, wrong: Problem | None
) -> None:
    assert part(stage, answered=answered, failed=failed)._wrong() == wrong


@pytest.mark.parametrize(
    ("together", "due"), [(1, [1] * 8), (3, [3, 0, 0, 3, 0, 0, 0, 0]), (4, [4, 0, 0, 0, 4, 0, 0, 0]), (8, [8, *[0] * 7])]
)
def test_slices_of_a_slow_contender_are_fewer_and_longer(stage: Stage, together: int, due: list[int]) -> None:
    slow = part(stage, slices=8)
    slow.together = together
    assert [slow.due(number) for number in range(8)] == due


@pytest.mark.parametrize(
    ("median", "slices", "together"),
    [
        (0.04, 80, 1),
        (0.1, 80, 1),
        (0.15, 80, 2),
        (0.35, 80, 4),
        (0.75, 80, 8),
        (9.0, 80, 16),
        (None, 80, 16),
        (9.0, 20, 4),
        (9.0, 3, 1),
    ],
)
def test_a_slice_lasts_a_median_answer_as_long_as_there_are_enough(
    stage: Stage, median: float | None, slices: int, together: int
) -> None:
    """Of a tenth of a second; longer ones are of as many passes as is a power of two, so that they nest."""
    latency = {} if median is None else {"read": Histogram.of([median])}
    warmup = LoadOutcome(latency, {}, {}, {}, {}, Histogram(), Histogram(), 1.0, 0.0, 1.0, 0.1, "asyncio")
    cell = replace(part(stage, slices=slices).turn.cell, seconds=slices / 10)
    assert trial._together(warmup, cell) == together


def test_slices_add_up_to_their_trial(seats: Mapping[str, Seat]) -> None:
    """Two real servers in turns."""
    cell = LoadCell("sqlite", "read", Load(4), 1, 1.2, 4, PAIR)
    measured = trial.measure(seats, trial.Round(1, cell, tuple(CONTENDERS[name] for name in PAIR), 0.3, 1))
    for found in measured.values():
        assert found.trial
        assert not found.problem
        slices = found.trial.slices
        assert sum(slices.turns) == 4
        assert list(slices.turn) == [sum(slices.turns[:place]) for place in range(len(slices.turns))]
        assert sum(slices.answered) == found.trial.count
        ends = [began + seconds for began, seconds in zip(slices.began, slices.seconds, strict=True)]
        assert slices.began[0] > 0
        assert all(end < began + 1e-4 for end, began in zip(ends, slices.began[1:], strict=False))
        assert all(seconds >= 0.3 * turns for seconds, turns in zip(slices.seconds, slices.turns, strict=True))
        assert min(slices.server_cpu) > 0
        assert found.trial.server_user + found.trial.server_system == pytest.approx(found.trial.server_cpu, abs=0.05)
        assert slices.switches is None or min(slices.switches) > 0
        assert slices.database_cpu is None
        assert all(0 <= share < 1 for share in slices.steal)


def test_the_first_second_of_an_open_loop_is_apart(stage: Stage) -> None:
    """At 20 requests a second, of a turn of 1.2 s: its first half, since it is not twice as long."""
    contender = CONTENDERS["async-native-frozen"]
    cell = LoadCell("sqlite", "noop", Load(4, 30), 1, 1.2, 1, (contender.name,))
    with seated(stage, "sqlite", [contender]) as seats:
        found = trial.measure(seats, trial.Round(1, cell, (contender,), 0.2, 1, rate=20.0))[contender.name].trial
        server = seats[contender.name].server
        assert server
        (collected, *_) = collections(server) or []
    assert found
    assert found.first_second
    assert 0 < found.first_second.count < found.count == found.slices.answered[0] == 24
    assert found.overall.count == 24 - found.first_second.count
    assert found.slices.seconds == [1.2]
    assert collected[1] > 0, "what there was has been collected before it was frozen"
    assert found.collections is not None, "which was before the turn: it is not among these"
    assert sum(found.collections) < collected[1]


def test_who_fails_already_in_the_warmup_is_not_driven_on(stage: Stage) -> None:
    """A real server, whose answers are wrong because it has not the books that are asked for."""
    contender = CONTENDERS["async-native"]
    cell = LoadCell("sqlite", "read", Load(4), 1, 0.4, 4, (contender.name,))
    with seated(replace(stage, books=50 * BOOKS), "sqlite", [contender]) as seats:
        found = trial.measure(seats, trial.Round(1, cell, (contender,), 1.0, 1))
        assert seats[contender.name].server is None, "the next scenario gets another one"
    assert found[contender.name].trial is None
    problem = found[contender.name].problem
    assert problem
    assert problem.kind is ProblemKind.LOAD
    assert problem.last.startswith("read: 404, not 200")


def test_a_server_that_refuses_the_connections_of_a_run_is_an_error(postgres: Postgres) -> None:
    require_backends(postgres, 10)
    with pytest.raises(PostgresError, match=r"allows \d+ connections \(max_connections\), this run may need 1000020: allow more"):
        require_backends(postgres, 1_000_000)


def test_nobody_is_asked_once_the_run_is_over(stage: Stage) -> None:
    over = Event()
    over.set()
    with pytest.raises(CancelledError):
        examine(Seat(replace(stage, over=over), "sqlite", CONTENDERS[BASELINE]), ["read"])


def cpu_seconds(pid: int) -> float:
    return cpu_times(tree(pid)).cpu


@pytest.mark.parametrize("listed", [True, False], ids=["listed by Linux", "looked for"])
def test_what_a_tree_of_processes_spends_is_metered(listed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not listed:
        monkeypatch.setattr(sampler, "PROC", "/nowhere")
        monkeypatch.setattr(sampler, "_exact", lambda pid: 0.0)
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as process:
        try:
            counts = iter(range(1, 1_000_000))
            before = cpu_seconds(process.pid)
            with metering(process.pid, process.pid, lambda: next(counts)) as usage:
                while cpu_seconds(process.pid) < before + 0.3:
                    time.sleep(0.01)
            assert 0.27 <= usage.server.cpu <= cpu_seconds(process.pid)
            assert usage.server.user + usage.server.system == pytest.approx(usage.server.cpu, abs=0.05)
            assert usage.server.user > usage.server.system
            assert (usage.switches is None) is not listed
            assert psutil.Process(process.pid).cpu_times().user < 0.3  # it is the child that works
            assert memory(process.pid) > 5 * 2**20
            assert usage.threads == threads(process.pid) == 2
            assert usage.connections == next(counts) - 1 > 0
            assert usage.database_cpu == pytest.approx(usage.server.cpu, rel=0.1)
            assert 0 <= usage.steal < 1
        finally:
            os.killpg(process.pid, 9)


def test_a_server_that_crashed_has_spent_nothing_more_and_no_database_is_not_metered() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True) as process:
        while cpu_seconds(process.pid) < 0.2:
            time.sleep(0.01)
        with metering(process.pid, None, None) as usage:
            process.kill()
            process.wait()
    assert usage.server == Times()
    assert usage.switches == 0
    assert usage.database_cpu is None
    assert usage.connections is None


def test_a_process_is_moved_with_its_threads_and_children() -> None:
    cores = sorted(os.sched_getaffinity(0))
    child = "import sys; sys.stdin.read()"
    code = f"""
import subprocess, sys, threading
child = subprocess.Popen([sys.executable, "-c", {child!r}], stdin=subprocess.PIPE)
threading.Thread(target=sys.stdin.read).start()
print(flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
        move(process.pid, ())
        found = [thread.id for one in tree for thread in one.threads()]
        assert len(found) == 3
        assert [os.sched_getaffinity(one) for one in found] == [set(cores)] * 3
        move(process.pid, cores[-1:])
        assert [os.sched_getaffinity(one) for one in found] == [{cores[-1]}] * 3
        process.communicate()


def test_cpu_time_of_children_that_ended_counts() -> None:
    work = "import time\nwhile time.process_time() < 0.3: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}]); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()  # the child has ended
        assert not psutil.Process(process.pid).children()
        assert cpu_seconds(process.pid) >= 0.3
        assert postgres_cpu_seconds(process.pid) >= 0.3
        process.communicate()
        assert postgres_cpu_seconds(process.pid) == 0


def test_time_and_switches_are_counted_over_all_threads() -> None:
    """Threads that ended are in the time, those that are there in the switches."""
    code = """
import sys, threading, time
def work():
    end = time.thread_time() + 0.1
    while time.thread_time() < end: pass
first = threading.Thread(target=work); first.start(); first.join()
def wait():
    for _ in range(100): time.sleep(0.0001)
    waited.set()
    sys.stdin.read()
waited = threading.Event()
threading.Thread(target=wait, daemon=True).start(); waited.wait()
print(time.process_time(), flush=True)
waited.clear(); waited.wait()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        seconds = float(process.stdout.readline())
        time.sleep(0.05)  # until it waits
        found = cpu_times(tree(process.pid))
        counted = switches(tree(process.pid))
        process.kill()
    assert seconds >= 0.1
    assert seconds <= found.cpu < seconds + 0.05
    assert found.user + found.system == pytest.approx(found.cpu, abs=0.021)
    if counted:
        assert len(counted) == 2
        assert max(counted.values()) >= 100


def test_the_ceiling_is_above_a_contender(stage: Stage, writer: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "SECONDS", 0.5)
    found = ceiling(stage)
    assert 0 < found.cpu_per_request < 0.01
    assert writer.server
    with stage.generator.opened(writer.server.port, found.connections) as drive:
        assert drive(Order(("noop",), BOOKS, 0.5)).throughput < found.throughput


def test_capacity_is_what_wrk_sees(stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Asked the same, of the same server; a pair of which one saw no answer is left out."""
    measured = iter([calibration._wrk] if wrk_is_installed() else [])
    monkeypatch.setattr(calibration, "_wrk", lambda *order: next(measured, lambda *_: 0.0)(*order))
    found = crosscheck(stage, "sqlite", "noop", CONTENDERS["async-native"], 2, 0.3)
    assert len(found.generator) == len(found.wrk) == wrk_is_installed()
    assert all(0.2 < ours / theirs < 5 for ours, theirs in zip(found.generator, found.wrk, strict=True))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not wrk_is_installed()
