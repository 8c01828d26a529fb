"""The load generator in a process of its own.

    with driver(cores) as generator, generator.opened(server.port, 32) as drive:
        outcome = drive(Order(("read",), 10_000, seconds=4.0))

It ends with this process, even when that is killed.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import count
from random import Random
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.load import Kind, LoadOutcome, LoadPlan, Request, opened
from benchmarks.machinery.child import Child, ChildError, serve, worker
from benchmarks.subjects.scenarios import SCENARIOS

TIMEOUT = 10.0
"""Seconds that an answer may take."""


class DriverError(BenchmarkError):
    """The load generator ended; the message says why in one line."""


@dataclass(frozen=True)
class Order:
    """A load; see `benchmarks.load.LoadPlan`.

    Several `scenarios` are mixed in equal parts. Their requests are those of the numbers from `first` on: no two orders to the
    same databases may have numbers in common. Of a `fixed` scenario always the first request is sent, and only the status of
    the answer looked at, as other generators do.
    """

    scenarios: tuple[str, ...]
    books: int
    seconds: float
    warmup: float = 0.0
    rate: float | None = None
    seed: int = 0
    first: int = 0
    fixed: bool = False

    def plan(self, port: int, connections: int) -> LoadPlan:
        """What to send there."""
        return LoadPlan(
            port=port,
            mix=tuple(self._kinds()),
            seconds=self.seconds,
            warmup=self.warmup,
            connections=connections,
            rate=self.rate,
            timeout=TIMEOUT,
            seed=self.seed,
        )

    def _kinds(self) -> Iterator[Kind]:
        weights: Counter[str] = Counter()
        for name in self.scenarios:
            parts = SCENARIOS[name].parts
            weights.update({part: weight / sum(parts.values()) for part, weight in parts.items()})
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


Drive = Callable[[Order], LoadOutcome]
"""Puts a load on the connections that are open. Raises `DriverError` when the generator ends early."""


class Generator:
    """The process, as who started it sees it; one command at a time."""

    def __init__(self, child: Child) -> None:
        self._child = child

    @contextmanager
    def opened(self, port: int, connections: int) -> Iterator[Drive]:
        """Connections to a server, for loads on them one after the other; to each server once, to several in turns.

        Raises `DriverError` when the generator ends early.
        """
        self._ask("open", port, connections)
        try:
            yield lambda order: LoadOutcome.from_json(self._ask("drive", port, asdict(order)))
        finally:
            with suppress(DriverError):  # it was said before, or it does not matter any more
                self._ask("close", port)

    def _ask(self, *command: Any) -> Any:
        try:
            return self._child.ask(command)
        except ChildError as error:
            raise DriverError(f"the load generator ended: {error}") from None


@contextmanager
def driver(cores: Sequence[int] = ()) -> Iterator[Generator]:
    """Start a generator, on these cores if any are named."""
    with worker("benchmarks.under_load.driver", *map(str, cores)) as child:
        yield Generator(child)


class _Connected:
    """What is open in this process, by port: how many connections, their load, how to close them."""

    def __init__(self) -> None:
        self.ports: dict[int, tuple[int, Callable[[LoadPlan], LoadOutcome], ExitStack]] = {}

    def open(self, port: int, connections: int) -> None:
        stack = ExitStack()
        self.ports[port] = (connections, stack.enter_context(opened(port, connections, timeout=TIMEOUT)), stack)

    def drive(self, port: int, order: dict[str, Any]) -> dict[str, Any]:
        connections, drive, _ = self.ports[port]
        plan = Order(**{**order, "scenarios": tuple(order["scenarios"])}).plan(port, connections)
        for kind in plan.mix:
            if not isinstance(kind.request, Request):
                kind.request(Random(0))  # so that what a check computes once is not computed under load
        return drive(plan).to_json()

    def close(self, port: int) -> None:
        *_, stack = self.ports.pop(port)
        stack.close()


def main(cores: Sequence[int]) -> None:
    """Serve commands until the parent is gone, even in the middle of one."""
    if cores:
        os.sched_setaffinity(0, cores)
    with suppress(ImportError, ValueError, OSError):  # each server has its connections; Windows has no such limit
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    connected = _Connected()
    known: dict[str, Callable[..., Any]] = {"open": connected.open, "drive": connected.drive, "close": connected.close}
    serve(lambda command: known[command[0]](*command[1:]))


if __name__ == "__main__":
    main([int(core) for core in sys.argv[1:]])
