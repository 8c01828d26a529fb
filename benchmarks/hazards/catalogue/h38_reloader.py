"""The reloader, while an event loop runs in a thread."""

import os
from pathlib import Path
from time import monotonic, sleep

import psutil

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from benchmarks.hazards.serving import NATIVE, SECONDS, ask, served
from flask_oneloop import AsyncFlask

SOURCE = """
import os
from advanced_alchemy.extensions.flask import SQLAlchemyAsyncConfig
from flask_oneloop import AdvancedAlchemy
from sqlalchemy import text

alchemy = AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h38.db", commit_mode="autocommit"), app)

@app.get("/")
async def view():
    return f"{os.getpid()} {await alchemy.get_session().scalar(text('SELECT 1'))}"
"""


class H38(Hazard):
    slug = "the-reloader-restarts-a-loop"
    writes = "`flask run --debug`, and a change to a file."
    happens = "Works: the process ends with its portal's thread and its connections, and a new one answers."
    why = """The reloader ends the process by `sys.exit` in its main thread (`werkzeug/_reloader.py`); the portal's thread is a
        daemon (`utils/portals.py`), which the interpreter does not wait for. (H4 happens at each restart.)"""
    instead = "Nothing is needed."
    ours = "The same, under `flask run --debug` and under `uvicorn --reload`; connections are closed before the end (H11)."
    upstream = "advanced-alchemy 0.29"
    databases = ("sqlite",)
    recorded = False

    def judge(self, facts: Facts) -> Outcome:
        """Process and answer before and after a change, and how many processes stayed."""
        (first, before), (second, after) = facts["answers"]
        if first == second or (before, after) != ("1", "1"):
            return Outcome(True, f"answered {before}, then {after} {'by the same process' if first == second else ''}".rstrip())
        if facts["stayed"]:
            return Outcome(True, f"the change was loaded, {facts['stayed']} processes stayed behind")
        return Outcome(False, "the change was loaded, no process stayed behind")

    def steps(self, app: AsyncFlask) -> Facts:
        """The same with the reloader of either kind of server."""
        with served(SOURCE, app, "flask", "--app=app", "run", "--debug", "--port={port}", native=[*NATIVE, "--reload"]) as port:
            before = after = ask(port, "/")[1].split()
            Path("app.py").write_text(Path("app.py").read_text() + "# changed\n")
            deadline = monotonic() + SECONDS
            while after == before and monotonic() < deadline:
                sleep(0.1)
                after = ask(port, "/")[1].split()
            started = psutil.Process(os.getpid()).children(recursive=True)
        _, stayed = psutil.wait_procs(started, timeout=SECONDS)
        return {"answers": [before, after], "stayed": len(stayed)}
