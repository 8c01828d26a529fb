"""Who is compared: an app, an execution model, a server, drivers. Adding one is one entry in `CONTENDERS`.

Under load all are given the same: one process, and as many as `CONNECTIONS` connections to each database. In process there is no
server: those who differ in their server's settings alone are not opened there.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

from sqlalchemy import make_url

Model = Literal["sync", "documented", "loop", "native", "peer"]
Interface = Literal["wsgi", "asgi"]

THREADS = 4
"""Of gunicorn, whatever the views are: its documentation advises 2 to 4 for each core, and a process of Python keeps one busy.
Fewer and more are contenders of their own. The pool of connections does not depend on it."""
CONNECTIONS = 64
KEEP_ALIVE = "75"
"""Seconds: no server closes a connection that the load goes on using."""

GUNICORN = (
    *("gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "1", "--keep-alive", KEEP_ALIVE),
    *("--log-level", "warning", "--no-control-socket", "--worker-tmp-dir", "{folder}", "--graceful-timeout", "5"),
)
UVICORN = (
    *("uvicorn", "--factory", "--host", "127.0.0.1", "--port", "{port}", "--timeout-keep-alive", KEEP_ALIVE),
    *("--log-level", "warning", "--no-access-log", "--timeout-graceful-shutdown", "5"),
)
GRANIAN = (
    *("granian", "--factory", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1", "--http", "1", "--no-ws"),
    *("--log-level", "warning", "--workers-kill-timeout", "5", "--interface"),
)
HYPERCORN = (
    *("hypercorn", "--bind", "127.0.0.1:{port}", "--worker-class", "uvloop", "--keep-alive", KEEP_ALIVE),
    *("--log-level", "warning", "--graceful-timeout", "5"),
)
GEVENT = (*GUNICORN, "--worker-class", "gevent", "{app}()")
TWO = ("--workers", "2")
"""Processes; the last option given is the one that counts."""
SYNC_DRIVERS = {"sqlite": "sqlite3", "postgresql": "psycopg"}
ASYNC_DRIVERS = {"sqlite": "aiosqlite", "postgresql": "asyncpg"}


GIL = getattr(sys, "_is_gil_enabled", lambda: True)()
EXTRA = "they need the extra peers: pip install -e '.[peers]'"
HAS_GIL = "it needs a Python without a GIL (for which psycopg-binary and gevent have no wheels)"


def _threads(count: int, *options: str) -> tuple[str, ...]:
    return (*GUNICORN, *options, "--worker-class", "gthread", "--threads", str(count), "{app}()")


@dataclass(frozen=True)
class Contender:
    """One way to run an app. `app` is `module:factory`, which takes a mapping of settings, or has them from the environment;
    `server` is a command line after `python -m`, in which {app}, {port} and {folder} (an empty one) are replaced; `concurrency`
    says how many requests it can work on at a time. `needs` are modules that an extra installs, and `scenarios` what it is asked:
    everything, if none are named. Of several `workers` each has its part of the connections; they run on all cores, which they
    share with the generator and the database, while one has a core of its own.

    `interface` is how the app is called in process, None where it is not; `field` whether it is measured wherever a profile
    measures the whole field.
    """

    name: str
    about: str
    model: Model
    app: str
    server: tuple[str, ...]
    concurrency: str
    drivers: Mapping[str, str] = field(default_factory=lambda: ASYNC_DRIVERS)
    connections: str = f"a pool of at most {CONNECTIONS}"
    databases: tuple[str, ...] = ("sqlite", "postgresql")
    interface: Interface | None = "wsgi"
    field: bool = True
    needs: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    workers: int = 1
    gil: bool = True

    @property
    def lacking(self) -> str | None:
        """Why it, and others like it, cannot be measured here; None where it can."""
        if not all(map(find_spec, self.needs)):
            return EXTRA
        return HAS_GIL if GIL and not self.gil else None

    @property
    def everywhere(self) -> bool:
        """Whether it runs on all cores."""
        return self.workers > 1 or not self.gil

    def asked(self, parts: Iterable[str]) -> bool:
        """Whether it is asked what consists of these scenarios."""
        return not self.scenarios or {*parts} <= {*self.scenarios}

    def factory(self) -> Callable[[Mapping[str, Any]], Any]:
        """What makes the app in this process, given its settings."""
        module, _, name = self.app.partition(":")
        made: Callable[[Mapping[str, Any]], Any] = getattr(import_module(module), name)
        return made

    def command(self, port: int, folder: str) -> list[str]:
        """The command line."""
        return [sys.executable, "-m", *(part.format(app=self.app, port=port, folder=folder) for part in self.server)]

    def settings(self, urls: Mapping[str, str]) -> dict[str, str]:
        """The app's settings, given the URLs of its databases by setting, with the driver named where there is a choice."""
        named = {}
        for setting, text in urls.items():
            url = make_url(text)
            if url.get_backend_name() == "postgresql":
                url = url.set(drivername=f"postgresql+{self.drivers['postgresql']}")
            named[setting] = url.render_as_string(hide_password=False)
        return {"POOL_SIZE": str(CONNECTIONS // self.workers), **named}

    def facts(self) -> dict[str, Any]:
        """What the raw file says of it."""
        return {
            "about": self.about,
            "model": self.model,
            "server": " ".join(part for part in self.server if part != "{app}()"),
            "concurrency": self.concurrency,
            "drivers": dict(self.drivers),
            "connections": self.connections,
        }


BASELINE = "sync-threads"
CONTROL = "sync-threads-aa"
FROZEN = ("sync-threads-frozen", "async-native-frozen")
"""In four turns of 9 s at 25 requests a second on crowded cores the baseline collected its oldest generation once, in 430 ms, and
frozen in 2 ms; `async-native` in 257 and in 12 ms. Of 801 requests one in a hundred took 467, 230, 164 and 171 ms or more."""
PEER_SCENARIOS = ("noop", "read", "list", "create", "update", "fan-out", "slow-10", "slow-50")
"""What the peers have routes for; and so mixtures of them."""

SYNC = Contender(
    BASELINE,
    "synchronous views and sessions on gunicorn's threads: the baseline",
    "sync",
    "benchmarks.subjects.apps.sync:create",
    _threads(THREADS),
    f"{THREADS} threads",
    SYNC_DRIVERS,
)
DOCUMENTED = Contender(
    "async-documented",
    "async views as Flask and Advanced Alchemy document them: stock extension, asgiref, the baseline's server",
    "documented",
    "benchmarks.subjects.apps.documented:create",
    _threads(THREADS),
    f"{THREADS} threads",
)
LOOP = Contender(
    "async-loop",
    "async views on the runtime's one event loop per process, under as many of gunicorn's threads as the baseline has",
    "loop",
    "benchmarks.subjects.apps.runtime:create",
    _threads(THREADS),
    f"{THREADS} threads, one event loop",
)
NATIVE = Contender(
    "async-native",
    "async views with Flask on uvicorn's own event loop, by the runtime",
    "native",
    "benchmarks.subjects.apps.runtime:create_asgi",
    (*UVICORN, "{app}"),
    "a greenlet per request, one event loop",
    interface="asgi",
)


def _like(like: Contender, name: str, about: str, **changes: Any) -> Contender:
    """The same with these changes; unless they say otherwise it is not opened in process, and no part of the whole field."""
    return replace(like, **{"name": name, "about": about, "interface": None, "field": False, **changes})


def _threaded(threads: int, about: str) -> Contender:
    concurrency = f"{threads} threads" if threads > 1 else "one request at a time"
    return _like(SYNC, f"{BASELINE}-{threads}", about, server=_threads(threads), concurrency=concurrency)


def _doubled(like: Contender, about: str, server: tuple[str, ...]) -> Contender:
    concurrency = f"2 processes, each: {like.concurrency}"
    return _like(like, f"{like.name}-2-workers", about, server=server, concurrency=concurrency, workers=2)


def _peer(module: str, title: str) -> Contender:
    return _like(
        NATIVE,
        f"peer-{module}",
        f"the same catalogue, services and schemas on {title} in place of Flask",
        model="peer",
        app=f"benchmarks.subjects.apps.peer_{module}:create",
        concurrency="a task per request, one event loop",
        interface="asgi",
        needs=(module,),
        scenarios=PEER_SCENARIOS,
    )


CONTENDERS: dict[str, Contender] = {
    contender.name: contender
    for contender in (
        SYNC,
        replace(SYNC, name=CONTROL, about="the same again under another name: the A/A control"),
        _threaded(1, "the baseline with a single thread"),
        _threaded(16, "the baseline with more threads than are advised for a core"),
        _threaded(CONNECTIONS, "the baseline with as many threads as its pool has connections"),
        _threaded(500, "the baseline with a thread for each of 500 requests that wait"),
        _like(
            SYNC, FROZEN[0], "the baseline with gc.freeze() after its start", app="benchmarks.subjects.apps.sync:create_frozen"
        ),
        _like(
            SYNC,
            "sync-gevent",
            "the sync app on gunicorn's gevent worker, which Flask's documentation names beside async views",
            server=GEVENT,
            concurrency="a greenlet per request",
            field=True,
        ),
        DOCUMENTED,
        _like(
            DOCUMENTED,
            "async-documented-nullpool",
            "a repair of that: no pool, and each view commits and closes its sessions itself (NullPool alone fails: H3)",
            app="benchmarks.subjects.apps.documented:create_nullpool",
            connections="no pool: one for each session",
            interface="wsgi",
            field=True,
        ),
        _like(
            DOCUMENTED,
            "async-wsgi-to-asgi",
            "the documented app behind asgiref's WsgiToAsgi, as on Flask's page on ASGI, but under uvicorn (see H36)",
            app="benchmarks.subjects.apps.documented:create_asgi",
            server=(*UVICORN, "--lifespan", "off", "{app}"),
            concurrency="one request at a time",
            interface="asgi",
            field=True,
        ),
        LOOP,
        _like(
            LOOP,
            "async-loop-psycopg",
            "the same on psycopg: the baseline's server and driver, so that only async differs",
            drivers={"postgresql": "psycopg"},
            databases=("postgresql",),
            interface="wsgi",
        ),
        NATIVE,
        _like(
            NATIVE,
            "mixed-thread",
            "native with a plain empty view, which it calls in a worker thread: what the way there and back costs",
            app="benchmarks.subjects.apps.runtime:create_mixed_asgi",
            concurrency="a greenlet and a worker thread per request, one event loop",
            interface="asgi",
            scenarios=("noop",),
        ),
        _like(
            NATIVE, FROZEN[1], "the same with gc.freeze() after its start", app="benchmarks.subjects.apps.runtime:create_frozen"
        ),
        _like(
            NATIVE,
            "async-native-psycopg",
            "the same on psycopg, the sync app's driver",
            drivers={"postgresql": "psycopg"},
            databases=("postgresql",),
            interface="asgi",
            field=True,
        ),
        _like(
            SYNC,
            "sync-stock",
            "the sync app without the runtime: plain Flask and Advanced Alchemy's synchronous extension as they come",
            app="benchmarks.subjects.apps.sync_stock:create",
            interface="wsgi",
        ),
        _like(
            SYNC,
            "sync-a2wsgi",
            "the sync app behind a2wsgi, on uvicorn",
            app="benchmarks.subjects.apps.sync:create_a2wsgi",
            server=(*UVICORN, "{app}"),
            needs=("a2wsgi",),
        ),
        _like(
            SYNC,
            "sync-granian",
            "the sync app on granian, with as many threads",
            server=(*GRANIAN, "wsgi", "--blocking-threads", str(THREADS), "{app}"),
            needs=("granian",),
        ),
        _like(
            SYNC,
            "sync-freethreaded",
            "the sync app in a Python without a GIL, with more threads than there are cores",
            server=_threads(4 * THREADS),
            concurrency=f"{4 * THREADS} threads, all cores",
            gil=False,
        ),
        _like(
            DOCUMENTED,
            "async-gevent",
            "async views as on Flask's page on gevent: on one event loop in gunicorn's gevent worker, sessions too",
            app="benchmarks.subjects.apps.documented:create_gevent",
            server=GEVENT,
            concurrency="a greenlet per request, one event loop",
        ),
        _like(
            DOCUMENTED,
            "async-wsgi-to-asgi-own-context",
            "the documented app behind WsgiToAsgi, each request in a ThreadSensitiveContext of its own (asgiref 3.13)",
            app="benchmarks.subjects.apps.documented:create_own_context",
            server=(*UVICORN, "--lifespan", "off", "{app}"),
            concurrency="a thread per request",
        ),
        _like(
            NATIVE,
            "async-native-asyncio",
            "native on uvicorn with asyncio's own event loop",
            server=(*UVICORN, "--loop", "asyncio", "{app}"),
        ),
        _like(NATIVE, "async-native-granian", "native on granian", server=(*GRANIAN, "asgi", "{app}"), needs=("granian",)),
        _like(NATIVE, "async-native-hypercorn", "native on hypercorn", server=(*HYPERCORN, "{app}()"), needs=("hypercorn",)),
        _like(
            NATIVE,
            "async-native-gunicorn",
            "native on gunicorn's ASGI worker",
            server=(*GUNICORN, "--worker-class", "asgi", "{app}()"),
        ),
        _doubled(SYNC, "the baseline with two workers", _threads(THREADS, *TWO)),
        _doubled(LOOP, "the loop with two workers", _threads(THREADS, *TWO)),
        _doubled(NATIVE, "native with two workers", (*UVICORN, *TWO, "{app}")),
        *(_peer(module, title) for module, title in (("quart", "Quart"), ("fastapi", "FastAPI"), ("litestar", "Litestar"))),
    )
}
"""By name; the baseline first."""


def left_out() -> list[str]:
    """Who cannot be measured here, a line for each reason."""
    reasons: dict[str, list[str]] = {}
    for one in CONTENDERS.values():
        if one.lacking:
            reasons.setdefault(one.lacking, []).append(one.name)
    return [f"Left out here: {', '.join(names)}; {reason}" for reason, names in reasons.items()]


def documented(name: str) -> bool:
    """Whether it is wired as documented, and so may fail."""
    return name in CONTENDERS and CONTENDERS[name].model == "documented"
