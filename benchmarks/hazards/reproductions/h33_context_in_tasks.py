"""What the coroutines of a request see of it: `request`, `g` and context variables, but nothing that is bound to a thread.

pip install "flask[async]"; prints whether gathered coroutines see it, the teardown what the view set, the view a thread-local.
"""

import asyncio
import json
import threading
from contextvars import ContextVar

from flask import Flask, g, request

app, variable, local, seen = Flask(__name__), ContextVar("variable", default=None), threading.local(), {}
app.before_request(lambda: [setattr(g, "value", "hook"), setattr(local, "value", "hook"), variable.set("hook")].clear())
app.teardown_request(lambda _: seen.update(teardown=variable.get() == "view"))


async def look():
    return request.args["q"], g.value, variable.get()


@app.get("/")
async def view():
    seen.update(gathered=await asyncio.gather(look(), look()), thread_local=hasattr(local, "value"))
    return str(variable.set("view"))


app.test_client().get("/?q=1")
print(json.dumps(seen), flush=True)
