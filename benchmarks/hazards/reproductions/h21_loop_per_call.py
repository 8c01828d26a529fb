"""Every hook, view and receiver of a request runs on an event loop of its own: nothing bound to a loop can pass between them.

pip install "flask[async]"; prints on how many loops the five coroutines of one request ran.
"""

import asyncio
import json

from flask import Flask, request_finished

app, loops = Flask(__name__), []


async def note(*given, **_):
    loops.append(asyncio.get_running_loop())
    return given[0] if given else None


@app.get("/")
async def view():
    return str(await note())


app.before_request(note)
app.after_request(note)
app.teardown_request(note)
request_finished.connect(note, app)
app.test_client().get("/")
print(json.dumps({"coroutines": len(loops), "loops": len(set(map(id, loops)))}), flush=True)
