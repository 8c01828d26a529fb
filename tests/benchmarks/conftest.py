"""A stage without PostgreSQL, for tests of what runs on one, and servers on it that are started in no time."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.machinery.databases import Databases
from benchmarks.machinery.placement import Placement
from benchmarks.machinery.supervised import PREFIX, Supervised, supervise
from benchmarks.under_load.driver import Generator, driver
from benchmarks.under_load.stage import Stage
from tests.forked import run, start

BOOKS = 1_000
SEED_SECONDS = 120.0


@pytest.fixture(scope="module")
def generator() -> Iterator[Generator]:
    with driver() as made:
        yield made


@pytest.fixture(scope="session", autouse=True)
def _forked_commands() -> Iterator[None]:
    """The commands that fill databases are run by processes that are forked, too."""

    def forked(command: Sequence[str], *, env: Mapping[str, str], **_: object) -> subprocess.CompletedProcess[str]:
        return run(command[1:], cwd=Path.cwd(), env=env, timeout=SEED_SECONDS)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.machinery.databases.subprocess", SimpleNamespace(run=forked, DEVNULL=subprocess.DEVNULL))
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the databases that others are copied from."""
    folder = tmp_path_factory.mktemp("template")
    Databases("sqlite", folder, None).seed(BOOKS)
    return folder


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, template: Path, generator: Generator) -> Stage:
    """On SQLite, not pinned."""
    folder = tmp_path_factory.mktemp("stage")
    shutil.copytree(template, folder, dirs_exist_ok=True)
    databases = Databases("sqlite", folder, None)
    return Stage(BOOKS, folder, {"sqlite": databases}, None, Placement(), generator)


@pytest.fixture(scope="module")
def forked_servers() -> Iterator[None]:
    """For tests of what servers do and not of their start and end: contenders' servers are forked, but for gevent's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.under_load.server.supervise", _supervise)
        yield


@contextmanager
def _supervise(command: Sequence[str], environment: Mapping[str, str], cores: Sequence[int] = ()) -> Iterator[Supervised]:
    """As `supervise` does it, without anybody who would end the process if this one were killed."""
    if "gevent" in command:
        with supervise(command, environment, cores) as process:
            yield process
        return
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        empty = Path(folder, "empty")
        empty.mkdir()
        with Path(folder, "output").open("wb") as file:
            arguments = [part.replace("{folder}", folder) for part in command[1:]]
            output = file.fileno()
            forked = start(arguments, cwd=empty, env={**os.environ, **environment}, stdout=output, stderr=output)
        if cores:
            os.sched_setaffinity(forked.pid, cores)
        try:
            yield Supervised(Path(folder), forked.pid)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(forked.pid, signal.SIGKILL)  # its end is not what is tried, and takes longer than its start
            forked.wait()
