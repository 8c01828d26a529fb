"""Every statement that fails is an IntegrityError: a missing table, a lost connection, a statement timeout.

pip install advanced-alchemy aiosqlite; prints the class that reading a table that does not exist raises.
"""

import asyncio
import json

from advanced_alchemy.base import BigIntBase
from advanced_alchemy.exceptions import RepositoryError
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


class Item(BigIntBase):
    pass


async def main():
    items = type("Items", (SQLAlchemyAsyncRepository,), {"model_type": Item})
    async with AsyncSession(create_async_engine("sqlite+aiosqlite://")) as session:
        try:
            await items(session=session).list()
        except RepositoryError as error:
            return {"raised": type(error).__name__, "cause": type(error.__cause__).__name__}


print(json.dumps(asyncio.run(main())), flush=True)
