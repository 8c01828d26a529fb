"""The load generator in a process of its own: an order a line on stdin, what came of it a line on stdout.

    with driver(cores) as drive:
        outcome = drive(Order("read", 10_000, server.port, connections=32, seconds=4.0))

It ends with this process, even when that is killed, for its stdin ends then.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import count
from random import Random
from typing import IO

from benchmarks.load import Kind, Outcome, Plan, Request, run
from benchmarks.scenarios import SCENARIOS

TIMEOUT = 10.0
"""Seconds that an answer may take."""


class DriverError(Exception):
    """The load generator ended; the message says why in one line."""


@dataclass(frozen=True)
class Order:
    """A load on `port`; see `benchmarks.load.Plan`.

    Several `scenarios` are mixed in equal parts. Their requests are those of the numbers from `first` on: no two orders to the
    same databases may have numbers in common. Of a `fixed` scenario always the first request is sent, and only the status of
    the answer looked at, as other generators do.
    """

    scenarios: tuple[str, ...]
    books: int
    port: int
    connections: int
    seconds: float
    warmup: float = 0.0
    rate: float | None = None
    seed: int = 0
    first: int = 0
    fixed: bool = False

    def plan(self) -> Plan:
        """What to send."""
        return Plan(
            port=self.port,
            mix=tuple(self._kinds()),
            seconds=self.seconds,
            warmup=self.warmup,
            connections=self.connections,
            rate=self.rate,
            timeout=TIMEOUT,
            seed=self.seed,
        )

    def _kinds(self) -> Iterator[Kind]:
        weights: Counter[str] = Counter()
        for name in self.scenarios:
            mix = SCENARIOS[name].mix or {name: 1.0}
            weights.update({part: weight / sum(mix.values()) for part, weight in mix.items()})
        for part, weight in weights.items():
            request = SCENARIOS[part].request
            assert request is not None
            if self.fixed:
                first = request(0, self.books)
                yield Kind(part, Request(first.path, first.method, first.body, first.headers, first.status), weight)
            else:
                yield Kind(part, _Numbered(request, self.books, self.first), weight)


class _Numbered:
    """Requests by consecutive numbers, none twice."""

    def __init__(self, request: Callable[[int, int], Request], books: int, first: int) -> None:
        self.request, self.books = request, books
        self.numbers = count(first)

    def __call__(self, _: Random) -> Request:
        return self.request(next(self.numbers), self.books)


Drive = Callable[[Order], Outcome]


@contextmanager
def driver(cores: Sequence[int] = ()) -> Iterator[Drive]:
    """Start a generator, on these cores if any are named. Driving raises `DriverError` when it ends early."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.trials.driver", *map(str, cores)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout

        one_at_a_time = threading.Lock()

        def drive(order: Order) -> Outcome:
            assert process.stdin
            assert process.stdout
            with one_at_a_time:
                try:
                    process.stdin.write(json.dumps(asdict(order)) + "\n")
                    process.stdin.flush()
                    return Outcome.from_json(json.loads(process.stdout.readline()))
                except (OSError, ValueError):
                    reason = last_line(process.stderr) or f"status {process.wait()}"
                    raise DriverError(f"the load generator ended: {reason}") from None

        try:
            yield drive
        finally:
            process.kill()
            with suppress(OSError):
                process.stdin.close()


def last_line(stream: IO[str] | None) -> str:
    """Of what is left in the stream of a process that ended; empty when there is nothing."""
    try:
        return stream.read().strip().rpartition("\n")[2] if stream else ""
    except (OSError, ValueError):
        return ""


def main(cores: Sequence[int]) -> None:
    """Serve orders until stdin ends, even in the middle of one."""
    if cores:
        os.sched_setaffinity(0, cores)
    orders: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            orders.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        order = json.loads(orders.get())
        plan = Order(**{**order, "scenarios": tuple(order["scenarios"])}).plan()
        for kind in plan.mix:
            if not isinstance(kind.request, Request):
                kind.request(Random(0))  # so that what a check computes once is not computed under load
        with suppress(BrokenPipeError):
            print(json.dumps(run(plan).to_json()), flush=True)


if __name__ == "__main__":
    main([int(core) for core in sys.argv[1:]])
