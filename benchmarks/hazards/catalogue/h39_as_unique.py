"""as_unique and get_or_upsert fail when two requests want the same new object."""

from advanced_alchemy.base import BigIntBase
from sqlalchemy import MetaData, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Mapped, mapped_column

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from benchmarks.hazards.serving import at_once
from flask_oneloop import AsyncFlask


class H39(Hazard):
    slug = "as-unique-loses-races"
    writes = "`await Tag.as_unique_async(session, name=name)`, or `repository.get_or_upsert(name=name)`, on a unique column."
    happens = "All but one of the requests end in an `IntegrityError` (`get_or_upsert`: `DuplicateKeyError`), which is a 500."
    why = """`UniqueMixin.as_unique_async` (`mixins/unique.py`) and `get_or_upsert` (`repository/_async.py`) select, then add what
        is not there; between the two another request does the same. The synchronous halves are alike, but an async process has
        more requests in between. Seen before:
        [litestar-fullstack#179](https://github.com/litestar-org/litestar-fullstack/pull/179)."""
    instead = "`INSERT ... ON CONFLICT DO NOTHING`, then select; or try once more after the error, in a transaction of its own."
    ours = "The same call fails the same; the catalogue app inserts what is missing with `ON CONFLICT DO NOTHING`, as here."
    by_hand = True
    upstream = "advanced-alchemy 0.19 or before"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """Requests for three new names, four at a time for the same one, at once."""
        failed, requests = facts["failed"], facts["requests"]
        return Outcome(failed > 0, f"{failed} of {requests} requests failed" if failed else f"all {requests} requests answered")

    def steps(self, app: AsyncFlask) -> Facts:
        """The same requests; the name is inserted where it is missing, then selected."""

        class Tag(BigIntBase):
            __tablename__ = "tag"
            metadata = MetaData()
            name: Mapped[str] = mapped_column(unique=True)

        alchemy = self.alchemy(app, commit_mode="autocommit", create_all=True, metadata=Tag.metadata)

        @app.get("/<name>")
        async def add(name: str) -> str:
            session = alchemy.get_session()
            await session.execute(insert(Tag).values(name=name).on_conflict_do_nothing())
            return (await session.scalars(select(Tag).where(Tag.name == name))).one().name

        statuses = at_once(app, [f"/{number // 4}" for number in range(12)], 4)
        return {"requests": len(statuses), "failed": sum(status != 200 for status in statuses)}
