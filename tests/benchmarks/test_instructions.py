"""Exact costs: layers, dumps and summaries by hand; the command with real valgrind where it is, and what it says where not."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import psutil
import pytest
from sqlalchemy.util import greenlet_spawn

from benchmarks.analysis.instructions import InstructionRow, summarize
from benchmarks.cli import main
from benchmarks.errors import BenchmarkError
from benchmarks.in_process.instructions import runner
from benchmarks.in_process.instructions.callgrind import Callgrind, command, read_dump
from benchmarks.in_process.instructions.child import Trace
from benchmarks.machinery.absent import surroundings
from benchmarks.raw import Recorder, ResultsError
from benchmarks.raw.instructions import InstructionCell, InstructionHeader, InstructionRun, read
from benchmarks.report.terminal import show_counts
from benchmarks.subjects.contenders import BASELINE
from benchmarks.subjects.layers import INTERPRETER, LAYERS, OTHER, PROJECT, of_object, of_python
from benchmarks.subjects.scenarios import SCENARIOS, WORDS

ROOT = Path(__file__).parents[2]
SITE = "/venv/lib/python3.11/site-packages"
LIBRARY = "/usr/lib/python3.11"
MISSING = "Error: valgrind is needed to count instructions, and not installed (it runs on Linux): apt-get install valgrind"
SECONDS = 240


@pytest.mark.parametrize(
    ("path", "layer"),
    [
        (f"{SITE}/sqlalchemy/orm/session.py", "SQLAlchemy"),
        (f"{SITE}/advanced_alchemy/service/_async.py", "Advanced Alchemy"),
        (f"{SITE}/werkzeug/routing/map.py", "Flask"),
        (f"{SITE}/asyncpg/connection.py", "driver"),
        (f"{SITE}/asgiref/sync.py", "runtime"),
        (f"{LIBRARY}/asyncio/base_events.py", "event loop"),
        (f"{LIBRARY}/threading.py", "event loop"),
        (f"{LIBRARY}/json/encoder.py", "JSON"),
        (f"{LIBRARY}/contextlib.py", None),
        (f"{SITE}/uuid_utils/__init__.py", None),
        ("<string>", None),
        (f"{PROJECT}/flask_oneloop/asgi.py", "runtime"),
        (f"{PROJECT}/app_async/routes/books.py", "app"),
        (f"{PROJECT}/catalog/queries.py", "app"),
        (f"{PROJECT}/benchmarks/subjects/apps/stock.py", "app"),
        (f"{PROJECT}/benchmarks/in_process/callers.py", "harness"),
        (f"{PROJECT}/.venv/lib/python3.11/site-packages/flask/app.py", "Flask"),
    ],
)
def test_the_layer_of_python_code(path: str, layer: str | None) -> None:
    assert of_python(path) == layer


@pytest.mark.parametrize(
    ("path", "layer"),
    [
        (f"{SITE}/sqlalchemy/sql/_util_cy.cpython-311-x86_64-linux-gnu.so", "SQLAlchemy"),
        (f"{SITE}/greenlet/_greenlet.cpython-311-x86_64-linux-gnu.so", "SQLAlchemy"),
        (f"{SITE}/psycopg_binary.libs/libpq-e9b5c9ac.so.5.18", "driver"),
        (f"{SITE}/uvloop/loop.cpython-311-x86_64-linux-gnu.so", "event loop"),
        (f"{SITE}/msgspec/_core.cpython-311-x86_64-linux-gnu.so", "JSON"),
        (f"{LIBRARY}/lib-dynload/_sqlite3.cpython-311-x86_64-linux-gnu.so", "driver"),
        ("/usr/lib/x86_64-linux-gnu/libsqlite3.so.0.8.6", "driver"),
        (f"{LIBRARY}/lib-dynload/_asyncio.cpython-311-x86_64-linux-gnu.so", "event loop"),
        (f"{LIBRARY}/lib-dynload/_datetime.cpython-311-x86_64-linux-gnu.so", INTERPRETER),
        ("/usr/lib/libpython3.11.so.1.0", INTERPRETER),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", INTERPRETER),
        ("???", INTERPRETER),
    ],
)
def test_the_layer_of_machine_code(path: str, layer: str) -> None:
    assert of_object(path) == layer


DUMP = """\
# callgrind format
version: 1
positions: line
events: Ir
summary: 999

ob=(1) /lib/libpython.so
fl=(1) ceval.c
fn=(1) eval
0 100
+3 20
cob=(2) /lib/libc.so
cfi=(2) malloc.c
cfn=(2) malloc
calls=7 0
0 5000
-3 3
ob=(2)
fl=(2)
fn=(2)
0 40

ob=(1)
fn=(3) other
* 2
calls=1 0
* 60

totals: 165
"""


def test_a_dump_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_text(DUMP)
    found = read_dump(path)
    assert found.instructions == {"/lib/libpython.so": 125, "/lib/libc.so": 40}
    assert found.events == {"Ir": 165}


def test_the_cycles_of_a_dump_by_hand(tmp_path: Path) -> None:
    """Of 100 + 40 + 20 accesses 10 miss the first level, 3 of them the last one too; costs that are not there are none."""
    path = tmp_path / "dump"
    events = "events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw"
    path.write_text(f"{events}\nob=(1) /lib/a.so\nfn=(1)\n0 60 40 20 4 3 3 1 1 1\n+1 40\ncalls=1 0\n0 9 9 9 9 9 9 9 9 9\n")
    found = read_dump(path)
    assert found.events == {"Ir": 100, "Dr": 40, "Dw": 20, "I1mr": 4, "D1mr": 3, "D1mw": 3, "ILmr": 1, "DLmr": 1, "DLmw": 1}
    assert found.cycles == 150 * 1 + 7 * 5 + 3 * 35


def run_of(*cells: InstructionCell, planned: tuple[tuple[str, str, str], ...] | None = None) -> InstructionRun:
    """A run of these cells."""
    places = planned or tuple((cell.database, cell.scenario, cell.contender) for cell in cells)
    return InstructionRun(InstructionHeader("now", "", 2, 2_000, places, "sync", {}, {}, {}, {}, {}, {}), list(cells))


SYNC = InstructionCell(
    "sqlite", "read", "sync", 24, [400.0, 400.0], {"driver": 40.0, INTERPRETER: 360.0}, {"SQLAlchemy": 6, "app": 2}, None
)
NATIVE = replace(SYNC, contender="native", counts=[500.0, 501.0, 499.0], native={}, bytecodes={})
FAILING = InstructionCell("sqlite", "read", "documented", 0, (), {}, {}, "RuntimeError: it broke")


def test_the_summary_by_hand() -> None:
    rows = summarize(run_of(SYNC, FAILING, NATIVE))
    assert rows == [
        InstructionRow("sqlite", "read", "sync", None, 400, 1, 0, {"driver": 40, "SQLAlchemy": 270, "app": 90}),
        InstructionRow("sqlite", "read", "documented", "RuntimeError: it broke", None, None, None, {}),
        InstructionRow("sqlite", "read", "native", None, 500, 1.25, 0.004, {}),
    ]
    assert list(rows[0].layers) == [layer for layer in LAYERS if layer in rows[0].layers]


def test_the_summary_is_in_the_planned_order_and_without_a_baseline_has_no_ratio() -> None:
    planned = (("sqlite", "read", "native"), ("postgresql", "read", "sync"), ("sqlite", "read", "sync"))
    assert [row.contender for row in summarize(run_of(SYNC, NATIVE, planned=planned))] == ["native", "sync"]
    [row] = summarize(run_of(replace(NATIVE, counts=[500.0])))
    assert (row.instructions, row.ratio, row.spread) == (500, None, None)
    [first, *_] = summarize(run_of(NATIVE, replace(FAILING, contender="sync")))
    assert first.ratio is None


def test_cycles_have_ratios_and_older_runs_none() -> None:
    counted = replace(SYNC, cycles=[1_000.0, 1_000.0]), replace(NATIVE, cycles=[1_090.0, 1_100.0, 1_110.0])
    first, second = summarize(run_of(*counted))
    assert (first.cycles, first.cycle_ratio, first.cycle_spread) == (1_000, 1, 0)
    assert (second.cycles, second.cycle_ratio) == (1_100, 1.1)
    assert second.cycle_spread == pytest.approx(20 / 1_100)
    assert [row.cycle_ratio for row in summarize(run_of(SYNC, counted[1]))] == [None, None]


def test_raw_files_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "instructions.jsonl"
    run = run_of(replace(SYNC, counts=(1.0, 2.0), cycles=(3.0, 4.0)), FAILING)
    recorder = Recorder(path)
    for record in (run.header, *run.cells):
        recorder.write(record)
    recorder.close()
    found = read(path)
    assert found.header == run.header
    assert [replace(cell, counts=tuple(cell.counts), cycles=tuple(cell.cycles)) for cell in found.cells] == run.cells
    path.write_text(path.read_text().replace("[1.0, 2.0]", "[]"))
    with pytest.raises(ResultsError, match="is not a raw file"):
        read(path)


def test_lists_are_counted_with_each_of_their_words_as_often() -> None:
    assert (SCENARIOS["list"].batch or 0) % len(WORDS) == (SCENARIOS["list-idiom"].batch or 0) % len(WORDS) == 0


@contextmanager
def tracing() -> Iterator[Trace]:
    """A trace of the threads that are started meanwhile."""
    trace = Trace()
    trace.counting = True
    threading.settrace(trace._called)
    try:
        yield trace
    finally:
        threading.settrace(None)


def code(path: str, source: str) -> dict[str, Callable[..., object]]:
    """The functions of a module that seems to lie there."""
    namespace: dict[str, Callable[..., object]] = {}
    exec(compile(dedent(source), path, "exec"), namespace)
    return namespace


def in_thread(function: Callable[[], object]) -> None:
    """Run it in a thread of its own."""
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_bytecodes_are_counted_alike_in_threads_greenlets_and_tasks() -> None:
    work = code(f"{SITE}/flask/x.py", "def work():\n    return sum([n * n for n in range(100)])\n")["work"]
    assert work() == 328_350

    async def in_greenlet() -> None:
        await greenlet_spawn(work)

    async def in_task() -> None:
        work()
        await asyncio.create_task(asyncio.sleep(0))

    found = []
    for function in (work, lambda: in_thread(work), lambda: asyncio.run(in_greenlet()), lambda: asyncio.run(in_task())):
        with tracing() as trace:
            in_thread(function)
        found.append(trace.bytecodes["Flask"])
    assert found == [found[0]] * 4
    assert found[0] > 400


def test_what_is_installed_in_a_thread_traces_those_it_starts() -> None:
    work = code(f"{SITE}/flask/x.py", "def work():\n    return sum([n * n for n in range(100)])\n")["work"]

    def nested() -> None:
        trace.install()
        in_thread(work)

    with tracing() as alone:
        in_thread(work)
    trace = Trace()
    trace.counting = True
    plain = threading.Thread(target=nested)
    try:
        plain.start()
        plain.join()
    finally:
        threading.settrace(None)
    assert trace.bytecodes["Flask"] == alone.bytecodes["Flask"]


def test_repeats_have_environments_of_other_sizes_and_nothing_of_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATALOG_POOL_SIZE", "1")
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    sizes = [len(runner.environment(layout)) for layout in range(3)]
    assert sizes == [sizes[0], sizes[0] + 97, sizes[0] + 194]
    assert runner.environment(0).keys() <= {
        "HOME",
        "LD_LIBRARY_PATH",
        "PATH",
        *surroundings(),
        "PYTHONWARNINGS",
        "PYTHONHASHSEED",
    }


def test_code_of_no_layer_counts_to_its_caller() -> None:
    library = code(f"{LIBRARY}/functools.py", "def work():\n    return [n for n in range(100)]\n")["work"]
    caller = code(f"{SITE}/sqlalchemy/x.py", "def call(function):\n    return function()\n")["call"]
    with tracing() as trace:
        in_thread(library)
    assert trace.bytecodes.keys() <= {OTHER, "event loop"}
    # Thread.run of threading.py is what called it.
    alone = trace.bytecodes["event loop"]
    with tracing() as trace:
        in_thread(lambda: caller(library))
    assert trace.bytecodes["SQLAlchemy"] > 300
    assert trace.bytecodes["event loop"] < alone


def test_outside_of_valgrind_there_is_nothing_to_control() -> None:
    with pytest.raises(BenchmarkError, match="does not run under valgrind"):
        Callgrind()


def test_without_valgrind_it_says_how_to_install_it_and_spoils_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    raw = tmp_path / "instructions.jsonl"
    raw.write_text("the last run's\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["benchmarks", "instructions", "--output", str(raw)])
    with pytest.raises(SystemExit) as ended:
        main()
    output, error = capsys.readouterr()
    assert (ended.value.code, output) == (2, "")
    assert error.startswith(MISSING)
    assert error.count("\n") == 1
    assert raw.read_text() == "the last run's\n"


def test_on_another_processor_it_says_where_it_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(BenchmarkError, match="on x86_64 and aarch64, not on riscv64"):
        command(tmp_path / "dump")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--contender", "nothing"], "'nothing' is not one of 'sync-threads', 'async-documented', 'async-documented-nullpool'"),
        (["--scenario", "slow-10"], "'slow-10' is not one of 'noop', 'read'"),
        (["--database", "mysql"], "'mysql' is not one of 'sqlite', 'postgresql', 'both'"),
        (["--repeats", "0"], "0 is not in the range"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "instructions", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert words in error
    assert error.count("\n") == 1


COUNTED = """
from benchmarks.in_process.instructions.callgrind import Callgrind
def work(count):
    for number in range(count):
        number * number
callgrind = Callgrind()
work(100)
callgrind.start()
for count in (100, 1_000, 3_000, 1_000, 3_000):
    callgrind.zero()
    work(count)
    callgrind.dump()
callgrind.stop()
"""


def test_counts_are_exact(tmp_path: Path) -> None:
    if shutil.which("valgrind") is None:
        with pytest.raises(BenchmarkError, match="not installed"):
            command(tmp_path / "dump")
        return
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    prefix = command(tmp_path / "dump")
    subprocess.run([*prefix, sys.executable, "-c", COUNTED], check=True, cwd=ROOT, env=environment, timeout=SECONDS)
    first, *found = (read_dump(tmp_path / f"dump.{number}").instructions.total() for number in range(1, 6))
    once, thrice, again, thrice_again = found
    each = (thrice - once) / 2_000
    assert first > 0
    assert 10 < each < 1_000  # machine instructions of three bytecodes and of integers
    assert (thrice_again - again) / 2_000 == pytest.approx(each, rel=0.001)


@pytest.mark.parametrize("name", ["instructions", "micro"])
def test_a_command_that_is_killed_while_it_prepares_leaves_no_folder(tmp_path: Path, name: str) -> None:
    if name == "instructions" and shutil.which("valgrind") is None:
        return
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    arguments = ["--database", "sqlite", "--output", str(tmp_path / "raw.jsonl")]
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks", name, *arguments],
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
    ) as run:
        wait_for(lambda: any(temporary.iterdir()))
        run.kill()
    wait_for(lambda: not any(temporary.iterdir()))


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def under_valgrind(run: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes of a run whose instructions are counted."""
    found = []
    for process in psutil.Process(run.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            found += [process] if "--tool=callgrind" in process.cmdline() else []
    return found


def test_an_interrupted_run_has_counted_its_finished_cells_and_leaves_no_process(tmp_path: Path) -> None:
    raw = tmp_path / "instructions.jsonl"
    chosen = ["--scenario", "noop", "--scenario", "read", "--contender", BASELINE, "--database", "sqlite", "--repeats", "1"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    paused = None
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks", "instructions", *chosen, "--output", str(raw)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    ) as run:
        try:
            if shutil.which("valgrind") is None:
                _, error = run.communicate(timeout=SECONDS)
                assert (run.returncode, error[: len(MISSING)]) == (2, MISSING)
                return
            wait_for(lambda: run.poll() is not None or len(under_valgrind(run)) == 2)
            paused = max(under_valgrind(run), key=psutil.Process.create_time)
            paused.suspend()  # the second cell is to be interrupted: what it counts until then is for nothing
            assert run.stderr
            finished = run.stderr.readline()
            counting = psutil.Process(run.pid).children(recursive=True)
            assert paused in counting
            run.send_signal(signal.SIGINT)
            _, error = run.communicate(timeout=SECONDS)
        finally:
            run.kill()
            with suppress(psutil.NoSuchProcess):
                if paused:
                    paused.kill()
    assert finished.startswith(f"noop, none, {BASELINE}: 0."), finished
    assert run.returncode == 130
    assert error.splitlines()[-1] == f"Interrupted. The finished cells are in {raw}"
    assert not any(child.is_running() for child in counting)
    assert [path.name for path in tmp_path.iterdir()] == [raw.name]
    assert not [path for child in counting for path in Path("/tmp").glob(f"vgdb-*-{child.pid}-*")]
    [row] = summarize(read(raw))
    assert row.instructions is not None
    assert 100_000 < row.instructions < 5_000_000
    assert sum(row.layers.values()) == pytest.approx(row.instructions, rel=1e-3)
    assert row.layers["Flask"] > row.instructions / 2
    assert row.cycles is not None
    assert row.instructions < row.cycles < 10 * row.instructions
    assert str(ROOT) not in raw.read_text()


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    show_counts(summarize(run_of(replace(SYNC, counts=[4e6, 4.1e6], cycles=[8e6, 8e6]), FAILING)))
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["read,", "sqlite"] in rows
    assert ["sync", "4.050", "1.000", "2.47", "%", "8.000", "1.000", "0.00", "%", "0.000", "0.000", "0.000"] in rows
    assert ["documented", "fails"] in rows
