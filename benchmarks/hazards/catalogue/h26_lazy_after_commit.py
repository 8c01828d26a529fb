"""Reading an attribute after a commit is MissingGreenlet."""

from advanced_alchemy.base import BigIntBase
from advanced_alchemy.extensions.flask import AsyncSessionConfig

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from flask_oneloop import AsyncFlask


class H26(Hazard):
    slug = "missing-greenlet-after-commit"
    writes = "`await session.commit()` and then `return str(item.id)`, as in any synchronous view."
    happens = "500: `MissingGreenlet`. So is a relationship that was not loaded, before a commit too."
    why = """`expire_on_commit` is True by default, so the attribute is a lazy load, which async code can only do where it awaits
        (`sqlalchemy/util/concurrency.py`, `await_`)."""
    instead = "`AsyncSessionConfig(expire_on_commit=False)`, and `selectinload` for relationships."
    ours = """The same settings in an async view. Templates and synchronous views under ASGI may load lazily: they run in a
        greenlet."""
    by_hand = True
    upstream = "sqlalchemy 1.4"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """A view that reads its row's key after the commit."""
        return Outcome(facts["status"] != 200, f"reading a column after the commit: {facts['status']}")

    def steps(self, app: AsyncFlask) -> Facts:
        """What to write instead: expire_on_commit=False."""

        class Item(BigIntBase):
            pass

        alchemy = self.alchemy(app, session_config=AsyncSessionConfig(expire_on_commit=False), create_all=True)

        @app.get("/")
        async def add() -> str:
            item, session = Item(), alchemy.get_session()
            session.add(item)
            await session.commit()
            return str(item.id)

        return {"status": app.test_client().get("/").status_code}
