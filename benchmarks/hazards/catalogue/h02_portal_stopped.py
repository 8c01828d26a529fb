"""The end of each request stops the loop that other requests wait on."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H2(Hazard):
    slug = "portal-stopped-at-teardown"
    writes = "A read in an async view on aiosqlite, served by eight threads."
    happens = "Within the first dozens of requests all threads but one wait for ever, and the server answers nobody any more."
    why = """`AdvancedAlchemy.init_app` (`extensions/flask/extension.py`) registers `shutdown_portal` with `teardown_appcontext`,
        which runs at the end of every request, not of the app. A `portal.call` of another request in that moment waits for its
        result with `queue.get()` without a time limit (`utils/portals.py`). With `app.debug` it does not happen, so development
        never shows it."""
    instead = "One thread per process (`gunicorn --workers N --threads 1`)."
    ours = "The loop lives as long as the process, or is the server's own."
    upstream = "advanced-alchemy 0.29"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """200 requests of eight threads."""
        if facts["hung"] or facts["failed"]:
            return Outcome(True, f"{facts['hung']} of 8 threads hung for ever, requests that failed: {facts['failed']}")
        return Outcome(False, f"all {facts['answered']} requests answered, no thread hung")
