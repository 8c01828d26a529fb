"""The entries, by name. Adding one is a module here and a script in `reproductions`."""

import pkgutil
from importlib import import_module

from benchmarks.hazards.hazard import Hazard

HAZARDS: dict[str, Hazard] = {}
for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    _name = f"h{int(_module[1:3])}"
    HAZARDS[_name] = getattr(import_module(f"{__name__}.{_module}"), _name.upper())()
