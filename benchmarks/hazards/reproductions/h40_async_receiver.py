"""An async receiver of one of Flask's signals makes async views fail that send it, by rendering a template or flashing a message.

pip install "flask[async]"; prints the statuses of a sync and an async view that render a template, with an async receiver.
"""

import json

from flask import Flask, render_template_string, template_rendered

app = Flask(__name__)


@app.get("/sync")
def sync():
    return render_template_string("rendered")


@app.get("/async")
async def view():
    return render_template_string("rendered")


async def note(sender, **values):
    pass


template_rendered.connect(note, app)
print(json.dumps({path: app.test_client().get(f"/{path}").status_code for path in ("sync", "async")}), flush=True)
