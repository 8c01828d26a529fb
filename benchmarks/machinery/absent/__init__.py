"""What processes are kept from: modules that are installed for others alone, see `sitecustomize` beside this."""

import os
from collections.abc import Collection
from pathlib import Path

PLACE = Path(__file__).parent
"""Where Python finds `sitecustomize`: to be in `PYTHONPATH`."""
ROOT = PLACE.parents[2]
UNASKED = {"litestar": "litestar", "numpy": "numpy", "pydantic": "fastapi", "pygments": "litestar"}
"""What Advanced Alchemy and Mako import wherever it is installed, and whose servers need it."""


def surroundings(needs: Collection[str] = (), path: str | None = None) -> dict[str, str]:
    """Variables for a process that uses the apps, or what is in `path` alone; `needs` are modules that it needs besides."""
    places = [os.environ.get("PYTHONPATH"), str(ROOT)] if path is None else [path]
    absent = sorted(name for name, user in UNASKED.items() if user not in needs)
    return {"PYTHONPATH": os.pathsep.join(filter(None, [*places, str(PLACE)])), "ABSENT_MODULES": " ".join(absent)}
