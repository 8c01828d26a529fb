"""Hooks, view, handlers and signal receivers of one request run on a loop each."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H21(Hazard):
    slug = "a-loop-per-coroutine"
    writes = "An async `before_request` that opens something, an async view that uses it, an async teardown that closes it."
    happens = """Each of them is a new thread and a new event loop. A client session, a lock, a connection made in one fails in
        the next."""
    why = """`Flask.ensure_sync` wraps every coroutine function by itself with `asgiref.sync.AsyncToSync`, which makes a loop for
        each call."""
    instead = "Make and use it within one coroutine."
    ours = "One loop for all of them; under ASGI also one task."
    upstream = "flask 2.0"

    def judge(self, facts: Facts) -> Outcome:
        """Loops that the five coroutines of one request ran on."""
        loops = facts["loops"]
        return Outcome(loops != 1, f"{facts['coroutines']} coroutines of one request ran on {loops} loop{'s' * (loops > 1)}")
