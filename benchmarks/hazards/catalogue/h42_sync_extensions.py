"""Synchronous hooks and extensions beside async views."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome

SEEN = ["hook", "view", "hook", "view"]
"""The hook's and the last view's part of the session, then the messages that this request's hook and view have flashed."""


class H42(Hazard):
    slug = "sync-extensions-beside-async-views"
    writes = "Flask-WTF's `CSRFProtect`, the session, `flash`, a synchronous receiver of a signal, and async views."
    happens = """Works. The hooks run in the request's own thread, the view in another, with a copy of the context that is copied
        back; what an extension keeps on `g`, in the session or in a context variable is seen on both sides (thread-locals:
        H33)."""
    why = """`AsyncToSync.__call__` (`asgiref/sync.py`) copies the context to the view and back (`_restore_context`); Flask's
        hooks are called around it (`full_dispatch_request` in `flask/app.py`)."""
    instead = "Nothing is needed. (Their decorators: H41; their async receivers: H40; their blocking calls: H27.)"
    ours = "The same. Under ASGI hooks and view share a thread, that of the loop: a hook that blocks, blocks every request (H27)."
    upstream = "flask 2.0"
    recorded = False

    def judge(self, facts: Facts) -> Outcome:
        """A POST without a token and one with it, and what the second saw."""
        refused, answered = facts["statuses"]
        if (refused, answered) != (400, 200):
            return Outcome(True, f"a POST without its token was answered {refused}, one with it {answered}")
        if facts["seen"] != SEEN or set(facts["received"]) != {"hook", "view"}:
            return Outcome(True, f"of session and messages the view saw {facts['seen']}, the receiver {facts['received']}")
        return Outcome(False, "CSRF check, session, messages and receivers work")
