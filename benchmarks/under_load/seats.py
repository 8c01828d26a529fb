"""The servers of a sitting: started together, kept for all its rounds, and ended together."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Lock

from benchmarks.machinery.databases import Kind
from benchmarks.machinery.placement import move
from benchmarks.machinery.sampler import ConnectionCount
from benchmarks.raw.problem import Problem
from benchmarks.subjects.contenders import Contender
from benchmarks.under_load.server import ContenderServer, ServerError, serving
from benchmarks.under_load.stage import Stage


@dataclass
class Seat:
    """A contender with its server, if it could be started; else `problem` says why it could not."""

    stage: Stage
    kind: Kind
    contender: Contender
    server: ContenderServer | None = None
    problem: Problem | None = None
    connections: ConnectionCount | None = None
    _open: ExitStack = field(default_factory=ExitStack)
    _lock: Lock = field(default_factory=Lock)

    def start(self) -> None:
        """Start the server on all cores, unless it runs."""
        if self.server:
            return
        with self._lock:
            self.problem = None
            try:
                settings = self.stage.settings(self.kind, self.contender)
                self.server = self._open.enter_context(serving(self.contender, settings, self.stage.placement.all))
            except ServerError as failure:
                self.problem = Problem(str(failure))
            else:
                self.connections = self._open.enter_context(self.stage.connections(self.kind, self.contender))

    def settle(self) -> None:
        """Start the server anew if it was ended, and move it to its own core, unless it is to have all."""
        self.start()
        if self.server and not self.contender.everywhere:
            move(self.server.process.pid, self.stage.placement.server)

    def stop(self) -> None:
        """End the server, if there is one."""
        with self._lock:
            self.server = None
            self._open.close()

    def stored(self) -> tuple[int, int]:
        """How many books were made in its databases, and how many writes its activity log has."""
        return self.stage.databases[self.kind].stored(self.stage.urls(self.kind, self.contender))

    def undo_writes(self) -> None:
        """Leave its databases as they were."""
        self.stage.databases[self.kind].undo_writes(self.stage.urls(self.kind, self.contender))


@contextmanager
def seated(stage: Stage, kind: Kind, contenders: Sequence[Contender]) -> Iterator[dict[str, Seat]]:
    """Their servers, by the contender's name, side by side until leaving."""
    seats = {one.name: Seat(stage, kind, one) for one in contenders}
    for one in contenders:
        stage.urls(kind, one)  # made here: PostgreSQL copies one template at a time
    try:
        together(Seat.start, list(seats.values()))
        yield seats
    finally:
        together(Seat.stop, list(seats.values()))


def together(do: Callable[[Seat], object], seats: Sequence[Seat]) -> None:
    """With all of them at once."""
    with ThreadPoolExecutor(max(1, len(seats))) as pool:
        list(pool.map(do, seats))
