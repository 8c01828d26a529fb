"""Running a plan: when each request starts, and on which connection."""

import asyncio
import gc
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import accumulate
from random import Random
from typing import Any

from benchmarks.load.alarm import Alarm
from benchmarks.load.connection import Connection, Job
from benchmarks.load.outcome import FailureKind, LoadOutcome
from benchmarks.load.plan import LoadPlan, Request
from benchmarks.load.recorder import LatencyRecorder

NewLoop = Callable[[], asyncio.AbstractEventLoop]
fastest_loop: NewLoop = asyncio.new_event_loop
with suppress(ImportError):  # there is none for Windows
    import uvloop

    fastest_loop = uvloop.new_event_loop

RETRY = 0.1  # seconds until a connection is opened again that could not be, or that never gave an answer; a load waits as long
TICK = 0.02  # seconds between looks at time limits and at the end
OPENING = 1.0  # seconds after which the first load begins without the connections that are still missing


@contextmanager
def opened(
    port: int, connections: int, *, host: str = "127.0.0.1", timeout: float = 10.0, new_loop: NewLoop = fastest_loop
) -> Iterator[Callable[[LoadPlan], LoadOutcome]]:
    """So many connections, open until leaving: for loads on them, one after the other. `timeout` is to connect, in seconds.

    Of the loads' plans `host`, `port` and `connections` are not looked at. Connections that are missing, or lost, are opened
    again while a load runs. Nothing the server does raises, a faulty plan does; then no other load may follow.
    """
    with asyncio.Runner(loop_factory=new_loop) as runner:
        load = RunningLoad(host, port, timeout)
        try:
            runner.run(load.open(connections))
            gc.collect()
            gc.freeze()  # going through what exists already would only make the collector's pauses longer
            yield partial(_drive, runner, load)
        finally:
            gc.unfreeze()
            runner.run(load.close())


def _drive(runner: asyncio.Runner, load: "RunningLoad", plan: LoadPlan) -> LoadOutcome:
    cpu, wall = time.process_time(), time.monotonic()
    runner.run(load.drive(plan))
    # A closed loop's server works on what was sent to the end until all of it is answered.
    drained = load.recorder.latest - load.recorder.began if plan.rate is None else 0.0
    return load.recorder.outcome(
        seconds=max(plan.seconds, drained),
        wall=time.monotonic() - wall,
        cpu=time.process_time() - cpu,
        loop=type(runner.get_loop()).__module__.partition(".")[0],
    )


class RunningLoad:
    """Connections, and the state of the load on them."""

    plan: LoadPlan
    recorder: LatencyRecorder

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self.host, self.port, self.timeout = host, port, timeout
        self.connections: set[Connection] = set()
        self.opening: set[asyncio.Task[None]] = set()
        self.idle: deque[Connection] = deque()
        self.schedule: deque[float] = deque()  # intended starts of an open loop that are to come,
        self.due: deque[float] = deque()  # and those that came and wait for a connection
        self.began = self.end = math.inf
        self.ending = asyncio.Event()  # a connection became idle after the end
        self.over = False
        self.crash: BaseException | None = None

    async def open(self, connections: int) -> None:
        """Open the connections, or as many as can be in time."""
        asyncio.get_running_loop().set_exception_handler(self._crashed)
        for _ in range(connections):
            self._open()
        await self._settle(OPENING)

    async def _settle(self, seconds: float) -> None:
        if self.opening:
            await asyncio.wait(self.opening, timeout=seconds)

    async def drive(self, plan: LoadPlan) -> None:
        """Send everything, wait for the answers."""
        for _ in range(2):  # to hear of connections that were closed since the last load, and to begin to open others
            await asyncio.sleep(0)
        await self._settle(RETRY)
        self.plan = plan
        self.random = Random(plan.seed)
        self.weights = list(accumulate(kind.weight for kind in plan.mix))
        self.wires = {kind.name: self._wire(kind.request) for kind in plan.mix if isinstance(kind.request, Request)}
        self.recorder = LatencyRecorder(kind.name for kind in plan.mix)
        self.alarm = Alarm(asyncio.get_running_loop(), self._arrive)
        try:
            self.began = time.monotonic()
            self.recorder.began = self.began + plan.warmup
            self.end = self.recorder.began + plan.seconds
            if plan.rate is None:
                for _ in range(len(self.idle)):
                    self.free(self.idle.popleft())
            else:
                self.schedule.extend(self.began + start for start in plan.schedule())
                self._arrive()
            await self._watch()
        finally:
            self.alarm.close()

    async def close(self) -> None:
        """Close the connections, and what is on them."""
        self.over = True
        for task in self.opening:
            task.cancel()
        await asyncio.gather(*self.opening, return_exceptions=True)
        while self.connections:
            for connection in self.connections:
                connection.transport.abort()
            await asyncio.sleep(0)

    async def _watch(self) -> None:
        """Until all is answered or given up: enforce the time limits."""
        timeout = self.plan.timeout
        while self.crash is None:
            now = time.monotonic()
            busy = [connection for connection in self.connections if connection.job]
            for connection in busy:
                if now - connection.sent > timeout:
                    connection.fail(FailureKind.TIMEOUT, f"no answer within {timeout:g} s")
            if now > self.end + timeout:
                while self.due:
                    self.recorder.failed(self._job(self.due.popleft()), FailureKind.UNSENT, "no connection was free for it")
            if now > self.end and not (self.schedule or self.due or busy):
                return
            self.ending.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ending.wait(), TICK)
        raise self.crash

    def _crashed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception") or RuntimeError(context["message"])
        if not isinstance(error, OSError):  # those are the network's, and the connection was told
            self.crash = self.crash or error

    # connections

    def _open(self, delay: float = 0.0) -> None:
        task = asyncio.get_running_loop().create_task(self._opened(delay))
        self.opening.add(task)
        task.add_done_callback(self.opening.discard)

    async def _opened(self, delay: float) -> None:
        while True:
            await asyncio.sleep(delay)
            delay = RETRY
            try:
                async with asyncio.timeout(self.timeout):
                    _, connection = await asyncio.get_running_loop().create_connection(
                        partial(Connection, self), self.host, self.port
                    )
            except TimeoutError:
                self._unconnected(FailureKind.TIMEOUT, f"not connected within {self.timeout:g} s")
            except OSError as error:
                self._unconnected(FailureKind.REFUSED, str(error))
            else:
                if not connection.transport.is_closing():
                    self.connections.add(connection)
                    self.free(connection)
                return

    def _unconnected(self, failure: FailureKind, detail: str) -> None:
        """Fail the request that the missing connection would have sent."""
        now = time.monotonic()
        if self.due:
            self.recorder.failed(self._job(self.due.popleft()), failure, detail)
        elif self.began <= now < self.end and self.plan.rate is None:
            self.recorder.failed(self._job(now), failure, detail)

    def lost(self, connection: Connection) -> None:
        """Replace a connection that is closed; outside of the time that is measured, as far as it can be."""
        self.connections.discard(connection)
        if not self.over:
            self._open(0.0 if connection.proven else RETRY)

    # requests

    def free(self, connection: Connection) -> None:
        """Send the next request on `connection`, if there is one now."""
        now = time.monotonic()
        if connection.transport.is_closing():
            return
        if self.due:
            connection.send(self._job(self.due.popleft()))
        elif self.began <= now < self.end and self.plan.rate is None:
            connection.send(self._job(now))
        else:
            self.idle.append(connection)
            if now >= self.end:
                self.ending.set()

    def _arrive(self) -> None:
        """Start what should have started by now, and come back for the next."""
        while self.schedule and self.schedule[0] <= (now := time.monotonic()):
            intended = self.schedule.popleft()
            self.recorder.late(intended, now)
            self.due.append(intended)
            while self.due and self.idle:
                self.free(self.idle.popleft())
        if self.schedule:
            self.alarm.set(self.schedule[0])

    def _job(self, intended: float) -> Job:
        kind = self.random.choices(self.plan.mix, cum_weights=self.weights)[0]
        if isinstance(kind.request, Request):
            return Job(kind.name, kind.request, self.wires[kind.name], intended)
        request = kind.request(self.random)
        return Job(kind.name, request, self._wire(request), intended)

    def _wire(self, request: Request) -> bytes:
        return request.wire(f"{self.host}:{self.port}")
