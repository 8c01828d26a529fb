"""What Python imports before a server's own code: the modules in `ABSENT_MODULES` are then as if they were not installed.

Advanced Alchemy imports Litestar, NumPy and Pydantic wherever they are, and Mako Pygments; an app that knows nothing of them
would hold 17,000 objects and 18 MiB more, which the collector goes through, and take a third more CPU to start.
"""

import gc
import os
import sys

for name in os.environ.get("ABSENT_MODULES", "").split():
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]

if objects := os.environ.get("COLLECT_AFTER"):
    gc.set_threshold(int(objects))
"""For who starts many processes and measures none: before so many objects are made, no garbage is looked for."""
