"""An async receiver of a signal breaks the async views that send it."""

import asyncio

from flask import render_template_string, template_rendered

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from flask_oneloop import AsyncFlask


class H40(Hazard):
    slug = "async-signal-receivers"
    writes = "`template_rendered.connect(receiver)` or `message_flashed.connect(receiver)`, the receiver a coroutine function."
    happens = """Every async view that renders a template, or flashes a message: 500, "You cannot use AsyncToSync in the same
        thread as an async event loop". Sync views go on working."""
    why = """`_render` (`flask/templating.py`) and `flash` (`flask/helpers.py`) send with `_async_wrapper=app.ensure_sync`; the
        view is on its loop, where `AsyncToSync.__call__` (`asgiref/sync.py`) refuses. `Signal.send_async` (blinker) would be
        awaitable, Flask's functions are not. The same holds for async context processors, and for `app.ensure_sync` called in an
        async view."""
    instead = "Synchronous receivers; or `await asyncio.to_thread(render_template, ...)`, which keeps the request's context."
    ours = "On the loop it is refused as well, with the receiver's name; in a thread, and in sync views, it runs on the app's."
    upstream = "flask 2.3 or before"

    def judge(self, facts: Facts) -> Outcome:
        """A sync and an async view that render a template."""
        return Outcome(facts["async"] != 200, f"the async view answered {facts['async']}, the sync view {facts['sync']}")

    def steps(self, app: AsyncFlask) -> Facts:
        """The same views and receiver; the async one renders in a thread, as rendering blocks the loop anyway."""

        @app.get("/sync")
        def sync() -> str:
            return render_template_string("rendered")

        @app.get("/async")
        async def view() -> str:
            return await asyncio.to_thread(render_template_string, "rendered")

        received: list[str] = []

        async def note(_: AsyncFlask, **values: object) -> None:
            received.extend(values)

        template_rendered.connect(note, app)
        statuses: dict[str, object] = {path: app.test_client().get(f"/{path}").status_code for path in ("sync", "async")}
        return {**statuses, "received": received.count("template")}
