"""Background tasks made in an async view are cancelled."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H15(Hazard):
    slug = "background-tasks-are-cancelled"
    writes = "`asyncio.create_task(send_mail())` in an async view, to answer before it is done."
    happens = "The task is cancelled in silence as soon as the view returns."
    why = """The view's loop ends with the view: asgiref runs each call by `asyncio.run`, which cancels what is left
        (`asgiref/sync.py`; Flask's page on async and await says so)."""
    instead = "A queue with workers of its own."
    ours = """The loop goes on, so the task runs to its end; it has no request's session, and is cancelled at exit. What must not
        be lost belongs into a queue here too."""
    upstream = "flask 2.0"

    def judge(self, facts: Facts) -> Outcome:
        """The task, half a second after the response."""
        if facts["done"]:
            return Outcome(False, "the task ran to its end")
        return Outcome(True, "the task was cancelled" if facts["cancelled"] else "the task never ended")
