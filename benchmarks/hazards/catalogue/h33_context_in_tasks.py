"""`request`, `g` and context variables follow the coroutines, thread-locals do not."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H33(Hazard):
    slug = "context-in-coroutines"
    writes = "A hook that sets something, gathered coroutines that read it, a teardown that reads what the view has set."
    happens = "Works. A sync extension that keeps its state in a thread-local (and not on `g`) is not seen by an async view."
    why = "asgiref copies the context to its thread and back (`asgiref/sync.py`); a thread-local stays where it was set."
    instead = "`g` or a context variable."
    ours = "The same. Under ASGI a thread-local is seen by the view, and by everybody else's: all requests share the thread."
    upstream = "flask 2.0"
    recorded = False

    def judge(self, facts: Facts) -> Outcome:
        """What reaches whom; a thread-local may or may not, and is reported only."""
        right = facts["gathered"] == [["1", "hook", "hook"]] * 2 and facts["teardown"]
        thread_local = "reaches" if facts["thread_local"] else "does not reach"
        said = "context reaches every coroutine" if right else "context is lost on the way"
        return Outcome(not right, f"{said}; a hook's thread-local {thread_local} the view")
