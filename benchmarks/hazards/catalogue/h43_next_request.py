"""An ASGI adapter that sends in the app's context serves a client as another user."""

import socket

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from benchmarks.hazards.serving import SECONDS, ask, served
from flask_oneloop import AsyncFlask

SOURCE = """
from flask import Response, abort, g, request, stream_with_context

def user():
    return g.setdefault("user", getattr(request.authorization, "token", None)) or abort(401)

@app.get("/")
def name():
    return Response(stream_with_context(iter([user()])), headers={"Content-Length": len(user())})
"""
LOOP = ("gunicorn", "app:app", "--bind=127.0.0.1:{port}", "--log-level=critical", "--no-control-socket", "--worker-class=gthread")
GET = b"GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n"


class H43(Hazard):
    slug = "next-request-begins-in-this-ones-context"
    writes = """An adapter of one's own that runs the app on the server's loop, as in `greenlet_spawn(run, scope, send)` with
        `await_only(send(...))` in it, and ends the response with the chunk that fills `Content-Length`; a view that streams under
        `stream_with_context`. (No page of Flask's has it: there it is `WsgiToAsgi`, H14 and H36.)"""
    happens = """A request that was pipelined behind that of a user begins with its `g`, and whatever is kept there for a request,
        such as the user of Flask-Login: 200 as that user in place of 401. With `--loop asyncio`, so wherever uvloop is missing,
        nobody has to pipeline: after a POST of 300 kB all later requests of the connection are the user's. Behind a proxy that
        shares connections they are other people's. Context variables that the app sets pass too, however the response ends."""
    why = """`send` runs in the context in which the stream holds its application context pushed. Inside it uvicorn starts the
        task of the next request, or reads from the socket again (`on_response_complete` in `uvicorn/protocols/http/*_impl.py`),
        and asyncio's tasks and callbacks copy the current context. `RequestContext.push` (`flask/ctx.py`) takes an application
        context of the same app that it finds there for its own."""
    instead = """Run the application in a `Context` of its own (`contextvars.copy_context()`), and await `send` and `receive` in
        the server's. `uvicorn --reset-contextvars` hides it; to end the response only after the iterable does (`more_body=True`
        until then) saves `g`, but not the app's own variables."""
    ours = """Each request's application runs in a context of its own; under ASGI the server's `send` and `receive` run in the
        server's."""
    upstream = "flask 2.0"

    def judge(self, facts: Facts) -> Outcome:
        """Status, and whether alice is named: of alice's request, then of one that says nothing of who asks."""
        answers = facts["answers"]
        if len(answers) != 2 or answers[0] != [200, True]:
            return Outcome(True, f"the two requests were answered {answers}")
        status, named = answers[1]
        said = f"after alice's request the anonymous one was answered {status}{' as alice' if named else ''}"
        return Outcome(status != 401 or named, said)

    def steps(self, app: AsyncFlask) -> Facts:
        """The same view, asked by the same bytes, under a server of either kind."""
        with served(SOURCE, app, *LOOP) as port:
            ask(port, "/")  # waits until it is there
            with socket.create_connection(("127.0.0.1", port), SECONDS) as client, client.makefile() as read:
                client.sendall(GET % b"Authorization: Bearer alice" + GET % b"Connection: close")
                answers = read.read().split("HTTP/1.1 ")[1:]
        return {"answers": [[int(answer[:3]), "alice" in answer] for answer in answers]}
