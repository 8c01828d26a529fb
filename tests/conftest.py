"""What all tests share: one real PostgreSQL server, and an environment without settings of the user's own."""

import os
from collections.abc import Iterator

import pytest

from benchmarks.postgres import Server, connect_or_start

pytest.register_assert_rewrite("tests.contract")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server that `DATABASE_URL` names, else one started for the tests."""
    with connect_or_start(os.environ.get("DATABASE_URL")) as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("CATALOG_", "FLASK_")):
                patch.delenv(name)
        yield
