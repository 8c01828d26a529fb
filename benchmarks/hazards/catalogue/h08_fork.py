"""After a fork (gunicorn --preload) the first request hangs."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from benchmarks.hazards.serving import ask, served
from flask_oneloop import AsyncFlask

SOURCE = """
from advanced_alchemy.extensions.flask import SQLAlchemyAsyncConfig
from flask_oneloop import AdvancedAlchemy
from sqlalchemy import text

alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h08.db", commit_mode="autocommit"), app)

with app.app_context():  # as an app that asks its database something on import
    app.portal.call(alchemy.get_session().scalar, text("SELECT 1"))

@app.get("/")
async def read():
    return str(await alchemy.get_session().scalar(text("SELECT 1")))
"""


class H8(Hazard):
    slug = "fork-loses-the-portal"
    writes = "`gunicorn --preload module:app`, or anything else that imports the app before it forks."
    happens = "The worker's first request that needs the database waits for ever."
    why = """`AdvancedAlchemy.init_app` starts the portal's thread on import; threads do not survive a fork.
        `PortalProvider.start` (`utils/portals.py`) finds the dead thread, warns "already started" and returns; `call` waits on a
        loop that nobody runs."""
    instead = "No `--preload`, no fork after import: an app factory that each worker calls."
    ours = "The loop is started on first use, and a fork forgets it, and its connections, in the child."
    upstream = "advanced-alchemy 0.29"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """What a worker of `gunicorn --preload` answered: a page that is not there, and a read."""
        missing, read = facts["statuses"]["/missing"], facts["statuses"]["/"]
        if read is None:
            return Outcome(True, f"the worker answered {missing} where it needs no database; the first read hung for ever")
        return Outcome(read != 200, f"the worker answered {read}")

    def steps(self, app: AsyncFlask) -> Facts:
        """The same under the server of either kind; the loop runs, and a connection is open, before the fork."""
        options = ["--preload", "--workers=2", "--bind=127.0.0.1:{port}", "--graceful-timeout=1", "--no-control-socket"]
        native = ["gunicorn", *options, "--worker-class=asgi", "app:asgi"]
        with served(SOURCE, app, "gunicorn", *options, "app:app", native=native) as port:
            return {"statuses": {path: ask(port, path)[0] for path in ("/missing", "/")}}
