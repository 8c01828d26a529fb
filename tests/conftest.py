"""What all tests share: one real PostgreSQL server, and an environment without settings of the user's own."""

import gc
import os
import signal
from collections.abc import Generator, Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from benchmarks.machinery.absent import PLACE
from benchmarks.machinery.postgres import PostgresServer, connect_or_start

pytest.register_assert_rewrite("tests.contract")
COLLECT_AFTER = 100_000
"""Objects, in place of 700: a sixth of what imports take is the search for garbage, and there is none."""
SLOW = ("test_run.py", "test_micro.py", "library", "benchmarks", "hazards")
"""Files, and folders whose files, take longest: they come first, so that none of several processes is left alone with one."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell; what is started here would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

gc.set_threshold(COLLECT_AFTER)
os.environ["COLLECT_AFTER"] = str(COLLECT_AFTER)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(PLACE)]))  # it is heeded there


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected is there to stay: no collection of garbage goes through it, neither now nor in the tests."""
    gc.disable()
    collected = yield
    gc.enable()
    gc.freeze()
    return collected


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the order of `SLOW`, and then of the rest."""
    places = {name: place for place, name in enumerate(SLOW)}
    items.sort(key=lambda item: min(places.get(name, len(SLOW)) for name in (item.path.name, item.path.parent.name)))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server that `DATABASE_URL` names, else one started for the tests."""
    with connect_or_start(os.environ.get("DATABASE_URL"), {"max_connections": "400"}) as server:
        if server.pid is not None:
            _hash_its_password_once(server.url)
        yield server


def _hash_its_password_once(url: str) -> None:
    """Not 4,096 times on each of some thousand connections: it is random, and lives as long as the tests."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET scram_iterations = 1")
        password = sql.Literal(make_url(url).password)
        connection.execute(sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}").format(password))


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("CATALOG_", "FLASK_")):
                patch.delenv(name)
        yield
