"""Which layer a piece of code belongs to: Python code by its file, machine code by the shared object it lies in."""

import re
from functools import lru_cache
from pathlib import Path

OTHER = "other"
LAYERS: dict[str, str] = {
    "driver": "psycopg, asyncpg, aiosqlite, sqlite3 with SQLite itself, libpq",
    "SQLAlchemy": "sqlalchemy, greenlet",
    "Advanced Alchemy": "advanced_alchemy",
    "Flask": "flask, werkzeug, what they need",
    "runtime": "flask_oneloop; in the documented wiring asgiref",
    "app": "the catalogue: views, services, models, schemas",
    "JSON": "msgspec, json",
    "event loop": "asyncio, uvloop, threads",
    "harness": "what calls the app here in place of a server",
    OTHER: "Python code that none of these called",
}
"""By name, with what counts to it."""
INTERPRETER = "interpreter"
"""Machine code of none of them: Python itself, the C library, the standard library's extension modules."""

PACKAGES: dict[str, str] = {
    **dict.fromkeys(("psycopg", "psycopg_binary", "asyncpg", "aiosqlite", "sqlite3"), "driver"),
    **dict.fromkeys(("sqlalchemy", "greenlet"), "SQLAlchemy"),
    "advanced_alchemy": "Advanced Alchemy",
    **dict.fromkeys(("flask", "flask_wtf", "werkzeug", "jinja2", "markupsafe", "itsdangerous", "blinker", "click"), "Flask"),
    # the peers' frameworks, in Flask's place
    **dict.fromkeys(("quart", "fastapi", "starlette", "pydantic", "pydantic_core", "litestar", "multidict"), "Flask"),
    **dict.fromkeys(("flask_oneloop", "asgiref"), "runtime"),
    **dict.fromkeys(("app_async", "app_sync", "catalog"), "app"),
    **dict.fromkeys(("msgspec", "json"), "JSON"),
    **dict.fromkeys(("asyncio", "uvloop", "concurrent", "selectors.py", "threading.py", "queue.py", "socket.py"), "event loop"),
    "benchmarks": "harness",
}
"""By the name of a package, or of a module of the standard library."""
OBJECTS = {
    **dict.fromkeys(("_sqlite3", "libsqlite3", "libpq"), "driver"),
    **dict.fromkeys(("_asyncio", "_queue", "select", "_socket"), "event loop"),
    "_json": "JSON",
}
"""By the name of a shared object that lies in no package of a layer."""

PROJECT = str(Path(__file__).parents[2])


@lru_cache(None)
def of_python(filename: str) -> str | None:
    """The layer of code in this file; None for what works for its caller, such as most of the standard library."""
    if filename.startswith(PROJECT) and "/site-packages/" not in filename:
        package, *inside = filename.removeprefix(PROJECT).strip("/").split("/")
        if inside[:1] == ["runtime"]:
            return "runtime"
        return "app" if (package, *inside[:2]) == ("benchmarks", "subjects", "apps") else PACKAGES.get(package)
    return PACKAGES.get(_package(filename))


@lru_cache(None)
def of_object(path: str) -> str:
    """The layer of a shared object, or `INTERPRETER`."""
    package = _package(path).removesuffix(".libs")  # where wheels keep the libraries that they bring
    stem = re.split(r"[.-]", path.rpartition("/")[2])[0]  # without versions and the like: `_sqlite3`, `libpq`
    return PACKAGES.get(package) or OBJECTS.get(stem) or INTERPRETER


def _package(path: str) -> str:
    """The first part of the path below the folder of packages or of the standard library."""
    found = re.search(r".*/(?:site-packages|dist-packages|python3\.\d+)/(?:lib-dynload/)?([^/]+)", path)
    return found[1] if found else ""
