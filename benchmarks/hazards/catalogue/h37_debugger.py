"""The debugger's page of an exception in an async view."""

import os
import re
from urllib.parse import urlencode

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from benchmarks.hazards.serving import ask, served
from benchmarks.hazards.wiring import NativeFlask
from flask_oneloop import AsyncFlask

SOURCE = """
from werkzeug.debug import DebuggedApplication

@app.get("/")
async def view():
    raise ValueError(answer := 41)
"""
DEBUGGER = """
app.debug = True
app.wsgi_app = DebuggedApplication(app.wsgi_app, evalex=True)
"""


class H37(Hazard):
    slug = "the-debugger-sees-async-views"
    writes = "`flask run --debug`, and a view that raises."
    happens = """Works: the traceback goes through asgiref's thread into the view, whose frame has a console with its variables.
        (`request` is not among them: a console runs outside the request's context.)"""
    why = """A traceback keeps its frames whichever thread they ran in; `__traceback_hide__` in `asgiref/sync.py` takes asgiref's
        own off the page (`werkzeug/debug/tbtools.py`)."""
    instead = "Nothing is needed."
    ours = """The same. An ASGI server has no debugger of its own: with `app.wsgi_app = DebuggedApplication(app.wsgi_app)` the
        page is the same there."""
    upstream = "flask 2.0"
    recorded = False

    def judge(self, facts: Facts) -> Outcome:
        """The functions of the traceback's frames, and whether the console of the last knows the view's variable."""
        last = facts["functions"][-1] if facts["functions"] else "nothing"
        frames = len(facts["functions"])
        if last != "view" or not facts["console"]:
            console = "works" if facts["console"] else "does not work"
            return Outcome(True, f"of {frames} frames the last is {last}, its console {console}")
        return Outcome(False, f"the last of {frames} frames is the view's own, its console works")

    def steps(self, app: AsyncFlask) -> Facts:
        """The same page under the server of either kind; uvicorn has no debugger of its own, so the app brings it."""
        os.environ["WERKZEUG_DEBUG_PIN"] = "off"
        source = SOURCE + DEBUGGER if isinstance(app, NativeFlask) else SOURCE
        with served(source, app, "flask", "--app=app", "run", "--debug", "--port={port}") as port:
            _, page = ask(port, "/")
            frame, secret = re.findall(r'id="frame-(\d+)"', page)[-1], re.findall(r'SECRET = "(\w+)"', page)[0]
            _, said = ask(port, "/?" + urlencode({"__debugger__": "yes", "cmd": "answer", "frm": frame, "s": secret}))
        return {"functions": re.findall(r'class="function">(\w+)', page), "console": "41<" in said}
