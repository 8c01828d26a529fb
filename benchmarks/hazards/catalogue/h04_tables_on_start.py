"""Tables are created on start although create_all is False."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H4(Hazard):
    slug = "tables-created-on-start"
    writes = "`SQLAlchemyAsyncConfig(..., create_all=False)`, because migrations make the tables."
    happens = """The app creates all of them when it starts, and so does every `flask` command, `flask database upgrade` before
        its first migration included. A connection of the portal's loop stays in the pool: the first one that H1 fails with."""
    why = """`AdvancedAlchemy.init_app` (`extensions/flask/extension.py`) calls `create_all_metadata` for every asynchronous
        configuration without looking at `create_all`; with `create_all=True` it is called a second time."""
    instead = "Migrate before the app is imported anywhere, with Alembic itself."
    ours = "Tables are created only where `create_all=True` asks for it, and no connection stays open afterwards."
    upstream = "advanced-alchemy 0.29"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """What is there after the start with create_all=False."""
        if facts["tables"] or facts["connections"]:
            return Outcome(True, f"made the table {', '.join(facts['tables'])}, left {facts['connections']} connection open")
        return Outcome(False, "no table made, no connection opened")
