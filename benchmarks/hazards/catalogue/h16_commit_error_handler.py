"""A commit that fails is a bare 500, whatever error handlers the app has."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H16(Hazard):
    slug = "failed-commit-is-a-bare-500"
    writes = '`commit_mode="autocommit"` and `@app.errorhandler(IntegrityError)` that answers 409.'
    happens = """The handler is not called: the client gets a 500. A conflict is found at the commit whenever the view does not
        flush, and always for deferred constraints."""
    why = """The commit is an `after_request` function (`extensions/flask/config.py`); `Flask.finalize_request` runs those after
        `handle_user_exception`, so only a handler for 500 sees what they raise."""
    instead = "`await session.commit()` in the view."
    ours = """The sessions end in `process_response`, and what a commit raises goes to the app's error handlers like an exception
        of the view."""
    upstream = "advanced-alchemy 0.29"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """The same key twice; the app has an error handler that answers 409."""
        second = facts["statuses"][1]
        return Outcome(second != 409, f"the second write was {second}, {'by' if second == 409 else 'past'} the error handler")
