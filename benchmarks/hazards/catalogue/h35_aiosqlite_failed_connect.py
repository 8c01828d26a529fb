"""A connection that aiosqlite cannot open leaves a thread that calls a closed loop."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H35(Hazard):
    slug = "aiosqlite-thread-after-failed-connect"
    writes = "An async view, and a database file that cannot be opened (a missing folder, a volume that is not mounted)."
    happens = """The view is a 500, as it should be. Then the connection's thread dies of "Event loop is closed", on standard
        error only."""
    why = """`aiosqlite.core.Connection._connect` stops its thread without waiting for it; its last result goes to the loop by
        `call_soon_threadsafe`, and asgiref has closed that loop by then."""
    instead = "Ignore it."
    ours = "The loop is still there."
    upstream = "aiosqlite 0.22.1 or before"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """What the connection's thread raised after the view's 500."""
        raised = facts["raised"]
        said = f"answered {facts['status']}; of 20 threads {len(raised)} raised {raised[0] if raised else 'anything'}"
        return Outcome(bool(raised), said)
