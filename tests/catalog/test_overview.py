"""How many queries of the overview run at once, as others ask for it too; tests/contract has what it says."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app_async import create_app
from app_async import overview as overview_module
from app_async.config import alchemy
from app_async.overview import FEW, QUIET_SECONDS, SESSIONS, overview
from flask_oneloop import AsyncFlask

from .conftest import Urls

ALONE, BUSY = len(SESSIONS), 1


@pytest.fixture
def app(urls: Urls) -> Iterator[AsyncFlask]:
    app = create_app({"DATABASE_URL": urls[0], "ACTIVITY_DATABASE_URL": urls[1], "SECRET_KEY": "x"})
    overview_module._demand.many_until = 0.0
    yield app
    app.portal.call(app.portal.close)


class Sessions:
    """Makes sessions for one report, of which `most` were open at once."""

    def __init__(self, *, fail: bool = False) -> None:
        self.new = alchemy().new_session
        self.fail = fail
        self.open = self.most = 0

    def __call__(self, bind: str, *, read_only: bool) -> Any:
        return self._opened(bind, read_only)

    @asynccontextmanager
    async def _opened(self, bind: str, read_only: bool) -> AsyncIterator[AsyncSession]:
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            async with self.new(bind, read_only=read_only) as session:
                await asyncio.sleep(0)
                if self.fail:
                    raise LookupError
                yield session
        finally:
            self.open -= 1


def at_once(app: AsyncFlask, reports: list[Sessions]) -> list[Any]:
    """What comes of so many reports that begin at once."""

    async def all_of_them() -> list[Any]:
        return [*await asyncio.gather(*map(overview, reports), return_exceptions=True)]

    return app.portal.call(all_of_them)


def test_few_run_their_queries_at_once_and_what_comes_on_top_in_turn(app: AsyncFlask) -> None:
    with app.app_context():
        few, more = [Sessions() for _ in range(FEW)], [Sessions() for _ in range(3)]
        found = at_once(app, [*few, *more])
        assert [one.most for one in few] == [ALONE] * FEW
        assert [one.most for one in more] == [BUSY] * 3
        assert found == found[:1] * (FEW + 3)
        assert found[0]["books"] == {"total": 0}


def test_those_that_failed_are_not_counted(app: AsyncFlask) -> None:
    with app.app_context():
        failing = [Sessions(fail=True) for _ in range(FEW)]
        assert [type(one) for one in at_once(app, failing)] == [LookupError] * FEW
        assert [one.open for one in failing] == [0] * FEW
        few = [Sessions() for _ in range(FEW)]
        at_once(app, few)
        assert [one.most for one in few] == [ALONE] * FEW


def test_after_many_one_counts_as_many_for_a_while(app: AsyncFlask, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(overview_module, "monotonic", lambda: now)
    with app.app_context():
        at_once(app, [Sessions() for _ in range(FEW + 1)])
        for now, most in ((1_000.0, BUSY), (1_000.0 + QUIET_SECONDS - 0.01, BUSY), (1_000.0 + QUIET_SECONDS, ALONE)):  # noqa: B007
            one = Sessions()
            at_once(app, [one])
            assert one.most == most
