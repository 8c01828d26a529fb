"""Under WsgiToAsgi and uvicorn requests on kept-alive connections fail."""

from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from benchmarks.hazards.serving import SECONDS, serving
from flask_oneloop import AsyncFlask

CLIENTS, EACH = 8, 25


class H36(Hazard):
    slug = "wsgi-to-asgi-fails-on-kept-alive-connections"
    writes = "`asgi = WsgiToAsgi(app)` for uvicorn, as Flask's page on ASGI says; a client that keeps its connection."
    happens = """A third to a half of the requests of a quick client: 500, "CurrentThreadExecutor already quit or is broken" (with
        asgiref 3.8 they are never answered)."""
    why = """`WsgiToAsgiInstance.run_wsgi_app` (`asgiref/wsgi.py`) sends the body, and an empty end of it by a second
        `AsyncToSync`. The client has its answer before the second; its next request waits in uvicorn's pipeline and is started by
        `on_response_complete` (`uvicorn/protocols/http/*_impl.py`), in the context of that call. So `SyncToAsync.__call__`
        (`asgiref/sync.py`) finds in `AsyncToSync.executors` the executor of a request that is over. The same message:
        [asgiref#491](https://github.com/django/asgiref/issues/491),
        [asgiref#526](https://github.com/django/asgiref/issues/526)."""
    instead = "`uvicorn --reset-contextvars` (seen: none of 160 failed), hypercorn (none either), or a WSGI server with threads."
    ours = "Under ASGI nothing is handed to asgiref, so no executor can be inherited."
    upstream = "asgiref 3.7 or before"

    def judge(self, facts: Facts) -> Outcome:
        """Requests of eight clients, one after the other on a connection of its own each."""
        failed, requests = facts["failed"], facts["requests"]
        return Outcome(failed > 0, f"{failed} of {requests} requests failed" if failed else f"all {requests} requests answered")

    def steps(self, app: AsyncFlask) -> Facts:
        """The same clients."""
        app.add_url_rule("/", view_func=lambda: "")

        def client(address: tuple[str, int]) -> int:
            connection = HTTPConnection(*address, timeout=SECONDS)
            failed = 0
            for _ in range(EACH):
                connection.request("GET", "/")
                answer = connection.getresponse()
                answer.read()
                failed += answer.status != 200
            return failed

        with serving(app) as address, ThreadPoolExecutor(CLIENTS) as pool:
            return {"requests": CLIENTS * EACH, "failed": sum(pool.map(client, [address] * CLIENTS))}
