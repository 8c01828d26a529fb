"""A chunked body over the limit is cut off in silence."""

import io

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from flask_oneloop import AsyncFlask

LIMIT = 1000


class H34(Hazard):
    slug = "chunked-bodies-are-cut-off"
    writes = "`MAX_CONTENT_LENGTH`, and a client that sends `Transfer-Encoding: chunked`."
    happens = "The view gets the first `MAX_CONTENT_LENGTH` bytes as if they were all. What is then stored is a part."
    why = "`LimitedStream.readall` (`werkzeug/wsgi.py`) stops at the limit without asking whether there is more."
    instead = "Refuse a body of unknown length that reaches the limit."
    ours = "Under WSGI the view has to do that (`catalog/bodies.py` does); under ASGI the runtime answers 413 before the view."
    by_hand = True
    upstream = "werkzeug 3.1.9 or before"

    def judge(self, facts: Facts) -> Outcome:
        """2,000 bytes in chunks, with a limit of 1,000."""
        refused = facts["status"] == 413
        cut = f"answered {facts['status']}: the view got {facts['body']} of 2000 bytes"
        return Outcome(not refused, "refused with 413" if refused else cut)

    def steps(self, app: AsyncFlask) -> Facts:
        """The view looks whether the limit was reached; under ASGI the runtime has refused before it is called."""
        app.config["MAX_CONTENT_LENGTH"] = LIMIT

        @app.post("/")
        async def view() -> str:
            data = request.get_data()
            if request.content_length is None and len(data) >= LIMIT:
                raise RequestEntityTooLarge
            return str(len(data))

        chunked = {"wsgi.input_terminated": True, "CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
        answer = app.test_client().post("/", input_stream=io.BytesIO(b"x" * 2 * LIMIT), environ_overrides=chunked)
        return {"status": answer.status_code, "body": answer.text[:10]}
