"""A chunked body over MAX_CONTENT_LENGTH is cut off in silence instead of refused: the view sees a part of it as the whole.

pip install flask; prints the status and how many bytes the view got of 2,000 sent in chunks, with a limit of 1,000.
"""

import io
import json

from flask import Flask, request

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 1000


@app.post("/")
def view():
    return str(len(request.get_data()))


chunked = {
    "wsgi.input_terminated": True,
    "CONTENT_LENGTH": "",
    "HTTP_TRANSFER_ENCODING": "chunked",
}  # as servers say that they decode Transfer-Encoding: chunked
answer = app.test_client().post("/", input_stream=io.BytesIO(b"x" * 2000), environ_overrides=chunked)
print(json.dumps({"status": answer.status_code, "body": answer.text[:10]}), flush=True)
