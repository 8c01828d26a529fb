"""A commit that fails takes its connection out of the pool for good."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H5(Hazard):
    slug = "failed-commit-leaks"
    writes = 'A write with `commit_mode="autocommit"` that breaks a constraint now and then.'
    happens = """Each failing commit leaves a connection checked out. When the pool is used up, every request waits `pool_timeout`
        seconds (30 by default) and is a 500. The synchronous configuration has the same fault."""
    why = """`handle_db_session` (`extensions/flask/config.py`, in both configurations) takes the session off `g` before it
        commits. If the commit raises, neither it nor any teardown knows the session any more."""
    instead = "Commit in the view itself, so that the extension's commit has nothing to do."
    ours = "The session stays known until it is closed, whatever happens to its commit."
    upstream = "advanced-alchemy 0.29"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """Connections out of the pool when nobody uses one."""
        out = facts["checked_out"]
        return Outcome(out > 0, f"{out} of 2 connections never came back" if out else "every connection came back")
