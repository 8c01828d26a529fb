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
SYNC_DRIVERS = {"sqlite": "sqlite3", "postgresql": "psycopg"}
ASYNC_DRIVERS = {"sqlite": "aiosqlite", "postgresql": "asyncpg"}


GIL = getattr(sys, "_is_gil_enabled", lambda: True)()
EXTRA = "they need the extra peers: pip install -e '.[peers]'"
HAS_GIL = "it needs a Python without a GIL (for which psycopg-binary and gevent have no wheels)"


def _threads(count: int, workers: int = 1) -> tuple[str, ...]:
    return (*_several(GUNICORN, workers), "--worker-class", "gthread", "--threads", str(count), "{app}()")


def _several(server: tuple[str, ...], workers: int) -> tuple[str, ...]:
    """So many processes of it; the last option given is the one that counts."""
    return (*server, "--workers", str(workers)) if workers > 1 else server


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


def _synchronous(name: str, about: str, threads: int) -> Contender:
    advised = threads == THREADS
    concurrency = f"{threads} threads" if threads > 1 else "one request at a time"
    return Contender(
        name,
        about,
        "sync",
        "benchmarks.subjects.apps.sync:create",
        _threads(threads),
        concurrency,
        SYNC_DRIVERS,
        interface="wsgi" if advised else None,
        field=advised,
    )


PEER_SCENARIOS = ("noop", "read", "list", "create", "update", "fan-out", "slow-10", "slow-50")
"""What the peers have routes for; and so mixtures of them."""


def _peer(module: str, title: str) -> Contender:
    return Contender(
        f"peer-{module}",
        f"the same catalogue, services and schemas on {title} in place of Flask",
        "peer",
        f"benchmarks.subjects.apps.peer_{module}:create",
        (*UVICORN, "{app}"),
        "a task per request, one event loop",
        interface="asgi",
        field=False,
        needs=(module,),
        scenarios=PEER_SCENARIOS,
    )


BASELINE = "sync-threads"
CONTROL = "sync-threads-aa"
FROZEN = ("sync-threads-frozen", "async-native-frozen")
"""In four turns of 9 s at 25 requests a second on crowded cores the baseline collected its oldest generation once, in 430 ms, and
frozen in 2 ms; `async-native` in 257 and in 12 ms. Of 801 requests one in a hundred took 467, 230, 164 and 171 ms or more."""

SYNC = _synchronous(BASELINE, "synchronous views and sessions on gunicorn's threads: the baseline", THREADS)
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


def _served(
    like: Contender,
    name: str,
    about: str,
    server: tuple[str, ...],
    *,
    needs: tuple[str, ...] = (),
    workers: int = 1,
    app: str = "",
) -> Contender:
    """The same app on another server, or on more of it."""
    concurrency = f"{workers} processes, each: {like.concurrency}" if workers > 1 else like.concurrency
    changed = replace(like, name=name, about=about, server=server, concurrency=concurrency, needs=needs, workers=workers)
    return replace(changed, app=app or like.app, interface=None, field=False)


CONTENDERS: dict[str, Contender] = {
    contender.name: contender
    for contender in (
        SYNC,
        _synchronous(CONTROL, "the same again under another name: the A/A control", THREADS),
        _synchronous("sync-threads-1", "the baseline with a single thread", 1),
        _synchronous("sync-threads-16", "the baseline with more threads than are advised for a core", 16),
        _synchronous("sync-threads-64", "the baseline with as many threads as its pool has connections", CONNECTIONS),
        _synchronous("sync-threads-500", "the baseline with a thread for each of 500 requests that wait", 500),
        Contender(
            FROZEN[0],
            "the baseline with gc.freeze() after its start",
            "sync",
            "benchmarks.subjects.apps.sync:create_frozen",
            _threads(THREADS),
            f"{THREADS} threads",
            SYNC_DRIVERS,
            interface=None,
            field=False,
        ),
        Contender(
            "sync-gevent",
            "the sync app on gunicorn's gevent worker, which Flask's documentation names beside async views",
            "sync",
            "benchmarks.subjects.apps.sync:create",
            (*GUNICORN, "--worker-class", "gevent", "{app}()"),
            "a greenlet per request",
            SYNC_DRIVERS,
            interface=None,
        ),
        Contender(
            "async-documented",
            "async views as Flask and Advanced Alchemy document them: stock extension, asgiref, the baseline's server",
            "documented",
            "benchmarks.subjects.apps.documented:create",
            _threads(THREADS),
            f"{THREADS} threads",
        ),
        Contender(
            "async-documented-nullpool",
            "a repair of that: no pool, and each view commits and closes its sessions itself (NullPool alone fails: H3)",
            "documented",
            "benchmarks.subjects.apps.documented:create_nullpool",
            _threads(THREADS),
            f"{THREADS} threads",
            connections="no pool: one for each session",
        ),
        Contender(
            "async-wsgi-to-asgi",
            "the documented app behind asgiref's WsgiToAsgi, as on Flask's page on ASGI, but under uvicorn (see H36)",
            "documented",
            "benchmarks.subjects.apps.documented:create_asgi",
            (*UVICORN, "--lifespan", "off", "{app}"),
            "one request at a time",
            interface="asgi",
        ),
        LOOP,
        Contender(
            "async-loop-psycopg",
            "the same on psycopg: the baseline's server and driver, so that only async differs",
            "loop",
            "benchmarks.subjects.apps.runtime:create",
            _threads(THREADS),
            f"{THREADS} threads, one event loop",
            {"postgresql": "psycopg"},
            databases=("postgresql",),
            field=False,
        ),
        NATIVE,
        Contender(
            "mixed-thread",
            "native with a plain empty view, which it calls in a worker thread: what the way there and back costs",
            "native",
            "benchmarks.subjects.apps.runtime:create_mixed_asgi",
            (*UVICORN, "{app}"),
            "a greenlet and a worker thread per request, one event loop",
            interface="asgi",
            field=False,
            scenarios=("noop",),
        ),
        Contender(
            FROZEN[1],
            "the same with gc.freeze() after its start",
            "native",
            "benchmarks.subjects.apps.runtime:create_frozen",
            (*UVICORN, "{app}"),
            "a greenlet per request, one event loop",
            interface=None,
            field=False,
        ),
        Contender(
            "async-native-psycopg",
            "the same on psycopg, the sync app's driver",
            "native",
            "benchmarks.subjects.apps.runtime:create_asgi",
            (*UVICORN, "{app}"),
            "a greenlet per request, one event loop",
            {"postgresql": "psycopg"},
            databases=("postgresql",),
            interface="asgi",
        ),
        Contender(
            "sync-stock",
            "the sync app without the runtime: plain Flask and Advanced Alchemy's synchronous extension as they come",
            "sync",
            "benchmarks.subjects.apps.sync_stock:create",
            _threads(THREADS),
            f"{THREADS} threads",
            SYNC_DRIVERS,
            field=False,
        ),
        _served(
            SYNC,
            "sync-a2wsgi",
            "the sync app behind a2wsgi, on uvicorn",
            (*UVICORN, "{app}"),
            needs=("a2wsgi",),
            app="benchmarks.subjects.apps.sync:create_a2wsgi",
        ),
        _served(
            SYNC,
            "sync-granian",
            "the sync app on granian, with as many threads",
            (*GRANIAN, "wsgi", "--blocking-threads", str(THREADS), "{app}"),
            needs=("granian",),
        ),
        Contender(
            "sync-freethreaded",
            "the sync app in a Python without a GIL, with more threads than there are cores",
            "sync",
            "benchmarks.subjects.apps.sync:create",
            _threads(4 * THREADS),
            f"{4 * THREADS} threads, all cores",
            SYNC_DRIVERS,
            interface=None,
            field=False,
            gil=False,
        ),
        Contender(
            "async-gevent",
            "async views as on Flask's page on gevent: on one event loop in gunicorn's gevent worker, sessions too",
            "documented",
            "benchmarks.subjects.apps.documented:create_gevent",
            (*GUNICORN, "--worker-class", "gevent", "{app}()"),
            "a greenlet per request, one event loop",
            interface=None,
            field=False,
        ),
        Contender(
            "async-wsgi-to-asgi-own-context",
            "the documented app behind WsgiToAsgi, each request in a ThreadSensitiveContext of its own (asgiref 3.13)",
            "documented",
            "benchmarks.subjects.apps.documented:create_own_context",
            (*UVICORN, "--lifespan", "off", "{app}"),
            "a thread per request",
            interface=None,
            field=False,
        ),
        _served(
            NATIVE,
            "async-native-asyncio",
            "native on uvicorn with asyncio's own event loop",
            (*UVICORN, "--loop", "asyncio", "{app}"),
        ),
        _served(NATIVE, "async-native-granian", "native on granian", (*GRANIAN, "asgi", "{app}"), needs=("granian",)),
        _served(NATIVE, "async-native-hypercorn", "native on hypercorn", (*HYPERCORN, "{app}()"), needs=("hypercorn",)),
        _served(
            NATIVE, "async-native-gunicorn", "native on gunicorn's ASGI worker", (*GUNICORN, "--worker-class", "asgi", "{app}()")
        ),
        _served(SYNC, f"{BASELINE}-2-workers", "the baseline with two workers", _threads(THREADS, 2), workers=2),
        _served(LOOP, "async-loop-2-workers", "the loop with two workers", _threads(THREADS, 2), workers=2),
        _served(NATIVE, "async-native-2-workers", "native with two workers", (*_several(UVICORN, 2), "{app}"), workers=2),
        *(_peer(module, title) for module, title in (("quart", "Quart"), ("fastapi", "FastAPI"), ("litestar", "Litestar"))),
    )
}
"""By name; the baseline first."""


def counterpart(name: str) -> str | None:
    """Who is opened in process for a contender: itself, or the one that differs from it in its server alone; None for nobody."""
    one = CONTENDERS.get(name)
    same = (
        other.name
        for other in CONTENDERS.values()
        if other.interface and one and (other.app, other.drivers) == (one.app, one.drivers)
    )
    return name if one and one.interface and name != CONTROL else next(same, None)


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
