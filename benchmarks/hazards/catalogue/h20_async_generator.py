"""An async generator cannot be a response body."""

from collections.abc import AsyncGenerator

from flask import Response

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from flask_oneloop import AsyncFlask, stream


class H20(Hazard):
    slug = "async-generators-do-not-stream"
    writes = "`return rows()` in an async view, `rows` being an async generator."
    happens = "500: Flask takes no async iterable, and there is no loop any more on which one could be iterated."
    why = """`Flask.make_response` and Werkzeug's `Response` iterate synchronously; the view's loop has ended with the view
        (`asgiref/sync.py`)."""
    instead = "Collect the rows in the view and stream the list, or read from a synchronous session in a synchronous generator."
    ours = "`Response(stream(rows()))`: one item is asked for when the server wants one, on the app's loop."
    upstream = "flask 2.0"

    def judge(self, facts: Facts) -> Outcome:
        """A body of three lines."""
        right = facts["status"] == 200 and facts["body"] == "0\n1\n2\n"
        return Outcome(not right, "streamed" if right else f"answered {facts['status']}")

    def steps(self, app: AsyncFlask) -> Facts:
        """The same generator in `stream`."""

        async def rows() -> AsyncGenerator[str, None]:
            for number in range(3):
                yield f"{number}\n"

        @app.get("/")
        async def export() -> Response:
            return Response(stream(rows()))

        answer = app.test_client().get("/")
        return {"status": answer.status_code, "body": answer.text}
