"""Engines are never disposed of: connections are cut off at the end."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H11(Hazard):
    slug = "engines-never-closed"
    writes = "Any app; the process ends."
    happens = """Connections are not closed but cut off. PostgreSQL logs "unexpected EOF on client connection", Python warns of
        unclosed resources, and what a driver does on closing does not happen."""
    why = "`SQLAlchemyAsyncConfig.close_engines` (`extensions/flask/config.py`) exists, but nothing calls it."
    instead = "`atexit.register(lambda: config.close_engines(alchemy.portal))`, with the portal kept alive until then."
    ours = "At exit, or at the ASGI server's shutdown, the engines are disposed of on the loop that made their connections."
    upstream = "advanced-alchemy 0.29"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """Connections opened and closed in the life of the process."""
        opened, closed = facts["opened"], facts["closed"]
        return Outcome(closed < opened, f"{closed} of {opened} connections closed when the process ended")
