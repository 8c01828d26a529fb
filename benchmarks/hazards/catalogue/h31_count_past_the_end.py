"""Past the last page the total is 0."""

from advanced_alchemy.base import BigIntBase
from advanced_alchemy.filters import LimitOffset
from advanced_alchemy.repository import SQLAlchemyAsyncRepository

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from flask_oneloop import AsyncFlask


class H31(Hazard):
    slug = "no-total-past-the-last-page"
    writes = "`items, total = await repository.list_and_count(LimitOffset(20, 20 * page))`."
    happens = "A client that asks for a page too far, because rows were deleted meanwhile, is told that there is nothing at all."
    why = "The total is a window function beside each row (`repository/_async.py`, `_list_and_count_window`): no row, no total."
    instead = "`count_with_window_function=False`, or a second query where the page is empty."
    ours = "The runtime changes nothing here: it is the same setting."
    by_hand = True
    upstream = "advanced-alchemy 1.12.0 or before"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """The totals of two pages of the same three rows."""
        first, past = facts["first_page"], facts["past_the_end"]
        return Outcome(first != past, f"the total is {first} on the first page, {past} past the last")

    def steps(self, app: AsyncFlask) -> Facts:
        """What to write instead: count_with_window_function=False."""

        class Item(BigIntBase):
            pass

        class Items(SQLAlchemyAsyncRepository[Item]):
            model_type = Item
            count_with_window_function = False

        alchemy = self.alchemy(app, create_all=True)

        @app.get("/")
        async def totals() -> list[int]:
            items = Items(session=alchemy.get_session())
            await items.add_many([Item() for _ in range(3)])
            return [(await items.list_and_count(LimitOffset(limit=2, offset=offset)))[1] for offset in (0, 10)]

        totals_of = app.test_client().get("/").json or []
        return dict(zip(("first_page", "past_the_end"), totals_of, strict=True))
