"""aiosqlite hides H1 and H3: what works there fails on PostgreSQL."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H12(Hazard):
    slug = "aiosqlite-hides-it"
    writes = "Development and tests on `sqlite+aiosqlite`, production on `postgresql+asyncpg`."
    happens = "Every test that asks one request at a time is green, every production request is a 500."
    why = """A connection of aiosqlite is a thread with a queue; its results go to whichever loop asked (`aiosqlite/core.py`). It
        is bound to no loop, so H1 and H3 do not show."""
    instead = "Test on the database that you run on."
    ours = "Both answer. The tests of this project run on both."
    upstream = "advanced-alchemy 0.29"
    databases = ("postgresql",)

    def judge(self, facts: Facts) -> Outcome:
        """The same reads on both databases."""
        sqlite, postgresql = ([status == 200 for status in facts[name]].count(True) for name in ("sqlite", "postgresql"))
        return Outcome(sqlite + postgresql < 6, f"{sqlite} of 3 reads answered on SQLite, {postgresql} of 3 on PostgreSQL")
