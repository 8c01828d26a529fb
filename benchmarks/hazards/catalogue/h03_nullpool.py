"""NullPool does not help: commit and close run on another loop than the view."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H3(Hazard):
    slug = "nullpool-is-no-rescue"
    writes = "The usual advice after H1: `poolclass=NullPool`, so that no connection outlives its request."
    happens = 'Every request that used its session is a 500: "attached to a different loop".'
    why = """The view runs on asgiref's loop, but `handle_db_session` in `SQLAlchemyAsyncConfig._setup_session_handling`
        (`extensions/flask/config.py`) commits and closes its session through the portal, on the portal's loop."""
    instead = """Do not use `get_session()` of the extension: `async with config.get_session() as session:` in the view, and
        commit there."""
    ours = "View, commit and close run on the same loop, with NullPool as with any other."
    upstream = "advanced-alchemy 0.29"
    databases = ("postgresql",)

    def judge(self, facts: Facts) -> Outcome:
        """Three reads and three writes, which should be 200."""
        reads, writes = (sum(status != 200 for status in facts[name]) for name in ("reads", "writes"))
        if reads or writes:
            return Outcome(True, f"{reads} of 3 reads and {writes} of 3 writes failed")
        return Outcome(False, "every read and write answered")
