"""An async view cannot stream: Flask iterates a response body synchronously, an async generator is a 500.

pip install "flask[async]"; prints the status and the body of a view that returns an async generator.
"""

import json

from flask import Flask

app = Flask(__name__)


async def rows():
    for number in range(3):
        yield f"{number}\n"


@app.get("/")
async def export():
    return rows()


answer = app.test_client().get("/")
print(json.dumps({"status": answer.status_code, "body": answer.text[:100]}), flush=True)
