"""First requests at the same time find the portal not started."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from flask_oneloop import AsyncFlask

ROUNDS = 100


class H10(Hazard):
    slug = "portal-start-race"
    writes = "A server with threads; after each request H2 has stopped the portal, so it is started again all the time."
    happens = 'Of threads that start it at the same moment, some fail with "The PortalProvider is not started".'
    why = """`AdvancedAlchemy.get_session` asks `is_running`, then calls `start`, without a lock; `start` sets `_thread` before
        the loop is there, so the next thread takes it for running (`extensions/flask/extension.py`, `utils/portals.py`)."""
    instead = "Start it once yourself, and see H2."
    ours = "The loop is started under a lock, once."
    upstream = "advanced-alchemy 0.29"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """Rounds of eight threads that start at once."""
        failed, rounds = facts["failed"], facts["rounds"]
        sentence = f"in {failed} of {rounds} rounds a thread failed" if failed else f"all {rounds} rounds were right"
        return Outcome(failed > 0, sentence)

    def steps(self, app: AsyncFlask) -> Facts:
        """The same rounds; there is nothing to stop between them."""
        alchemy = self.alchemy(app)
        barrier = Barrier(8)

        def fails(_: int) -> bool:
            with app.app_context():
                barrier.wait()
                try:
                    return app.portal.call(alchemy.get_session().close) is not None
                except Exception:  # noqa: BLE001 - whatever it is, it is counted
                    return True

        with ThreadPoolExecutor(8) as pool:
            return {"rounds": ROUNDS, "failed": sum(any([*pool.map(fails, range(8))]) for _ in range(ROUNDS))}
