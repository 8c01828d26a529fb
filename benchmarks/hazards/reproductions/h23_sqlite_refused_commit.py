"""After a COMMIT that SQLite refuses, the connection keeps its transaction: whoever has it next commits the refused row.

pip install sqlalchemy aiosqlite; prints the rows after a refused commit, as the same and as another connection see them.
"""

import asyncio
import json
from contextlib import suppress

from sqlalchemy import event, exc, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

engine = create_async_engine("sqlite+aiosqlite:///h23.db")
event.listen(engine.sync_engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
COUNT = text("SELECT count(*) FROM b")


async def main():
    async with AsyncSession(engine) as session:
        await session.execute(text("CREATE TABLE a (id INTEGER PRIMARY KEY)"))
        await session.execute(text("CREATE TABLE b (a INTEGER REFERENCES a DEFERRABLE INITIALLY DEFERRED)"))
    with suppress(exc.IntegrityError):
        async with AsyncSession(engine) as session:
            await session.execute(text("INSERT INTO b VALUES (404)"))
            await session.commit()
    async with engine.connect() as same, engine.connect() as other:
        return {"same_connection": await same.scalar(COUNT), "another": await other.scalar(COUNT)}


print(json.dumps(asyncio.run(main())), flush=True)
