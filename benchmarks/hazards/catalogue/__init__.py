"""The entries, by name. Adding one is a module here and a script in `reproductions`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from benchmarks.hazards.hazard import Hazard

HAZARDS: dict[str, Hazard] = {}
for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    _hazard: Hazard = import_module(f"{__name__}.{_module}").HAZARD
    HAZARDS[_hazard.name] = _hazard
