"""A view that blocks: do its neighbours wait for it? With a thread and a loop per call, none does; that is what both cost.

pip install "flask[async]"; prints whether an async neighbour was answered only after a blocking async, or sync, view.
"""

import json
import threading

from flask import Flask

app, late, begun, answered = Flask(__name__), [], threading.Event(), threading.Event()


@app.get("/sync")
def blocking():
    return str((begun.set(), late.append(not answered.wait(2))))  # blocks for two seconds, or until the neighbour is answered


@app.get("/async/<name>")
async def answer(name):
    return blocking() if name == "blocker" else str(answered.set())


def stalls(path):
    [event.clear() for event in (begun, answered)]
    (thread := threading.Thread(target=app.test_client().get, args=(path,))).start()
    return (begun.wait(), app.test_client().get("/async/neighbour"), thread.join(), late.pop())[-1]


print(json.dumps({"async_view": stalls("/async/blocker"), "sync_view": stalls("/sync")}), flush=True)
