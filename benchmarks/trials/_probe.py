"""How fast a core is, from moment to moment: the CPU time of the same small piece of work, ten times a second.

`benchmarks.trials.probe` starts this file as a process of its own, with the standard library alone; its arguments are the cores
that it shall run on. It writes a line for each time: the instant on time.monotonic(), the CPU seconds. It ends with its stdin.
"""

import os
import select
import sys
import time

INTERVAL = 0.1
STEPS = 4_000


def work() -> int:
    """What a Python program does: arithmetic, a dictionary, a branch."""
    total, seen = 0, {}
    for step in range(STEPS):
        seen[step & 63] = step
        total += seen.get(step & 31, 1)
    return total


def main() -> None:
    """Measure until stdin ends."""
    if cores := [int(core) for core in sys.argv[1:]]:
        os.sched_setaffinity(0, cores)
    while not select.select([sys.stdin], [], [], INTERVAL)[0]:
        before = time.thread_time_ns()
        work()
        spent = time.thread_time_ns() - before
        print(time.monotonic(), spent / 1e9, flush=True)


if __name__ == "__main__":
    main()
