"""With two databases, one keeps what the other refuses."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H24(Hazard):
    slug = "two-binds-half-committed"
    writes = 'Two configurations with `commit_mode="autocommit"`, and a view that writes to both.'
    happens = """The client gets a 500, and the other database has kept its half. Which one depends on the order of the
        configurations: the last is committed first."""
    why = """Each configuration registers an `after_request` of its own (`extensions/flask/config.py`), and flushes only when it
        commits; Flask calls these functions in reverse."""
    instead = "`await session.flush()` for every bind in the view."
    ours = """Every session is flushed before the first is committed, and they are committed in the order of the configurations. A
        common commit there is not: what only a COMMIT refuses (a deferred constraint, a lost connection) can still leave a
        half."""
    upstream = "advanced-alchemy 0.29"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """One write to both, then one that the first database refuses."""
        one, two = facts["rows"]["one"], facts["rows"]["two"]
        half = "kept one half of the refused write" if two > one else "kept nothing of the refused write"
        return Outcome((one, two) != (1, 1), f"answered {facts['statuses'][1]}, {half}")
