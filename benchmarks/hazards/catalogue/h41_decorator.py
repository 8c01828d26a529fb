"""A decorator made for sync views hands Flask a coroutine."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import current_app, g

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from flask_oneloop import AsyncFlask


class H41(Hazard):
    slug = "decorators-return-a-coroutine"
    writes = "`@login_required` as in Flask's pattern on view decorators, or an extension's, above an `async def` view."
    happens = '500: "The view function did not return a valid response", "it was a coroutine". The view does not run.'
    why = """`Flask.ensure_sync` (`flask/app.py`) looks at the outermost function, which is synchronous; nobody awaits what it
        returns. Extensions had it one by one: [flask-login#589](https://github.com/maxcountryman/flask-login/issues/589),
        [flask-smorest#798](https://github.com/marshmallow-code/flask-smorest/issues/798),
        [apiflask#288](https://github.com/apiflask/apiflask/issues/288)."""
    instead = """`return current_app.ensure_sync(view)(**values)` in the decorator, as Flask's page on async says; newer
        extensions."""
    ours = "The same cure; `ensure_sync` then runs the view on the app's loop."
    by_hand = True
    upstream = "flask 2.0"

    def judge(self, facts: Facts) -> Outcome:
        """An async view under a decorator."""
        return Outcome(facts["status"] != 200, f"answered {facts['status']}")

    def steps(self, app: AsyncFlask) -> Facts:
        """The same; the decorator calls the view by `ensure_sync`."""

        def login_required(view: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(view)
            def wrapped(**values: object) -> Any:
                g.user = "somebody"
                return current_app.ensure_sync(view)(**values)

            return wrapped

        @app.get("/")
        @login_required
        async def view() -> str:
            return str(g.user)

        return {"status": app.test_client().get("/").status_code}
