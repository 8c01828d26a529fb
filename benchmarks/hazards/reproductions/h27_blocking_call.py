"""A view that blocks: do its neighbours wait for it? With a thread and a loop per call, none does; that is what both cost.

pip install "flask[async]"; prints whether an async neighbour was answered only after a blocking async, or sync, view.
"""

import json
import threading
import time

from flask import Flask

app, order, begun = Flask(__name__), [], threading.Event()


@app.get("/sync")
def blocking():
    return str((begun.set(), time.sleep(1), order.append("blocker")))


@app.get("/async/<name>")
async def answer(name):
    return blocking() if name == "blocker" else str(order.append(name))


def stalls(path):
    (thread := threading.Thread(target=app.test_client().get, args=(path,))).start()
    return (begun.wait(), app.test_client().get("/async/neighbour"), thread.join(), begun.clear(), order[-1] == "neighbour")[-1]


print(json.dumps({"async_view": stalls("/async/blocker"), "sync_view": stalls("/sync")}), flush=True)
