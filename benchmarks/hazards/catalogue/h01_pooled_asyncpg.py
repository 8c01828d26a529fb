"""Pooled asyncpg connections fail under async views."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H1(Hazard):
    slug = "pooled-asyncpg"
    writes = "An async view that reads from PostgreSQL, with the pool that every engine has by default."
    happens = """500 on every request: "attached to a different loop", then "another operation is in progress". Under several
        threads the process can die of a segmentation fault."""
    why = """`asgiref.sync.AsyncToSync.__call__`, with which `Flask.async_to_sync` calls the view, makes a new event loop for each
        call. The connection in the pool belongs to the loop of an earlier one: Advanced Alchemy's portal, or a loop that is
        closed."""
    instead = "`NullPool`, a session that the view opens and closes itself (see H3), and the price of H17; or synchronous views."
    ours = "One event loop for every coroutine of the app, so the pool's connections are always used on the loop that made them."
    upstream = "advanced-alchemy 0.29"
    databases = ("postgresql",)

    def judge(self, facts: Facts) -> Outcome:
        """Six reads, which should be 200."""
        wrong = sum(status != 200 for status in facts["statuses"])
        return Outcome(wrong > 0, f"{wrong} of {len(facts['statuses'])} reads failed" if wrong else "every read answered")
