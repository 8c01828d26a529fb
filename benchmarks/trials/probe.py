"""The speed of the server's core while a trial runs.

On a machine that others share, the CPU time of the same work drifts: on the one this was written on, with two virtual cores, a
request of the same server took 19 % (standard deviation) more or less from trial to trial, and 11 % at the core's speed of that
moment. The probe takes about one part in a hundred of the core, of all contenders alike.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.trials.sampler import Series


@contextmanager
def probing(cores: Sequence[int]) -> Iterator[Series]:
    """Run a probe on these cores; gives the CPU seconds that its work took, by instant, and goes on growing.

    Without cores there is no one speed to be known, and no probe.
    """
    found = Series()
    if not cores:
        yield found
        return
    with subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).with_name("_probe.py")), *map(str, cores)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout

        def read() -> None:
            assert process.stdout
            for line in process.stdout:
                instant, seconds = map(float, line.split())
                found.instants.append(instant)
                found.values.append(seconds)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            yield found
        finally:
            process.kill()
            reader.join()
            with suppress(OSError):
                process.stdin.close()
