"""with_session leaves its closed session for the next one to use."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H6(Hazard):
    slug = "with-session-leaves-it"
    writes = "`with alchemy.with_session() as session:` in a command or a view, and `get_session()` later."
    happens = """The second caller gets the session that the block has closed. It begins again by itself, with what was configured
        for the first (routing, listeners, `info`), and nothing rolls back what the block left."""
    why = """`AdvancedAlchemy.with_session` (`extensions/flask/extension.py`) closes the session and leaves it on `g`; there is no
        rollback anywhere in the extension but that of `close`."""
    instead = "`config.get_session()` for a session of one's own."
    ours = "`with_session` closes and forgets it; a closed session refuses to be used."
    upstream = "advanced-alchemy 0.29"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """Which session is got after the block."""
        again = facts["closed_session_again"]
        return Outcome(again, "got the closed session once more" if again else "got a new session")
