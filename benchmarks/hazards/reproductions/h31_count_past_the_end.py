"""list_and_count says that there is nothing at all when the page asked for is past the last one.

pip install advanced-alchemy aiosqlite; prints the totals of three rows with page one, and with a page past the end.
"""

import asyncio
import json

from advanced_alchemy.base import BigIntBase
from advanced_alchemy.filters import LimitOffset
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


class Item(BigIntBase):
    pass


async def main():
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.begin() as connection, AsyncSession(connection) as session:
        await connection.run_sync(Item.metadata.create_all)
        items = type("Items", (SQLAlchemyAsyncRepository,), {"model_type": Item})(session=session)
        await items.add_many([Item() for _ in range(3)])
        return [(await items.list_and_count(LimitOffset(limit=2, offset=offset)))[1] for offset in (0, 10)]


print(json.dumps(dict(zip(("first_page", "past_the_end"), asyncio.run(main()), strict=True))), flush=True)
