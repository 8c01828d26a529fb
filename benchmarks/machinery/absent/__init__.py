"""What servers are kept from: modules that are installed for others alone, see `sitecustomize` beside this."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

PLACE = Path(__file__).parent
"""Where Python finds `sitecustomize`: to be in `PYTHONPATH`."""
UNASKED = ("litestar", "numpy")
"""What Advanced Alchemy imports wherever it is installed."""


def absent(needed: Container[str] = ()) -> dict[str, str]:
    """The variable that names what a server shall not find, but for what it needs."""
    return {"ABSENT_MODULES": " ".join(name for name in UNASKED if name not in needed)}
