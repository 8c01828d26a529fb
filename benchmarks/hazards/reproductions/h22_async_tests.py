"""The test client cannot be used in an async test: an async view refuses to run where a loop runs already.

pip install "flask[async]"; prints what a request to an async view comes to inside a coroutine.
"""

import asyncio
import json

from flask import Flask

app = Flask(__name__)
app.testing = True


@app.get("/")
async def view():
    return "answered"


async def test():
    try:
        return app.test_client().get("/").text
    except RuntimeError as error:
        return f"RuntimeError: {error}"


print(json.dumps({"answer": asyncio.run(test())}), flush=True)
