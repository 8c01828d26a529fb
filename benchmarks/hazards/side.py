"""Sides, each in a process of its own: `python -m benchmarks.hazards.side stock|runtime`.

This process has imported what all sides import, which takes longer than most of them. It forks for each order a warden, which
forks the side, answers with its pid, and notes its end. A side is then as `python script.py` would be: it runs, and the
interpreter ends as it always does. The stock sides have a parent of their own, which never imports this project's runtime.
"""

import gc
import json
import os
import runpy
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.machinery.child import answer, orders

ALARM = 60
"""Seconds after which a side ends even if nobody watches it any more; whoever does gives up sooner."""
STOCK = (
    "advanced_alchemy.extensions.flask",
    "aiosqlite",
    "asyncpg",
    "asgiref.wsgi",
    "flask.testing",
    "flask_wtf.csrf",
    "uvicorn",
)
RUNTIME = ("benchmarks.hazards.catalogue", "benchmarks.hazards.wiring")


def main() -> None:
    """Take orders until the parent is gone."""
    for module in (*STOCK, *RUNTIME) if sys.argv[1] == "runtime" else STOCK:
        import_module(module)
    gc.freeze()  # else each side spends half a second at its end on collecting what it has inherited
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the wardens need no one to wait for them
    for order in orders():
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if (pid := os.fork()) == 0:
                try:
                    _become(order)
                except FileNotFoundError:  # it was given up before it began
                    os._exit(1)
                _run(order)
                return
            answer(pid)
            _watch(pid, Path(order["folder"]))
            os._exit(0)


def _watch(pid: int, folder: Path) -> None:
    """Note the side's end so that a reader finds all or nothing, if there still is somebody who wants to know."""
    _, status = os.waitpid(pid, 0)
    part = folder / "end.part"
    with suppress(OSError):
        part.write_text(str(os.waitstatus_to_exitcode(status)))
        part.rename(folder / "end")


def _become(order: Mapping[str, Any]) -> None:
    """A process with a group, a folder, an environment and outputs of its own."""
    os.setsid()
    signal.alarm(ALARM)
    folder = Path(order["folder"])
    os.chdir(folder / "work")
    for number, name in ((0, os.devnull), (1, "../stdout"), (2, "../stderr")):
        file = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    os.environ.update(order["environ"])


def _run(order: Mapping[str, Any]) -> None:
    """The script; for the runtime, with its classes in place of the stock ones, or the entry's own steps."""
    sys.argv = [order["script"]]
    sys.path.insert(0, str(Path(order["script"]).parent))
    if order["model"] != "documented":
        from benchmarks.hazards.catalogue import HAZARDS
        from benchmarks.hazards.wiring import wire

        app_class, hazard = wire(order["model"]), HAZARDS[order["hazard"]]
        if hazard.steps is not None:
            print(json.dumps(dict(hazard.steps(app_class(hazard.name)))), flush=True)
            return
    runpy.run_path(order["script"], run_name="__main__")


if __name__ == "__main__":
    main()
