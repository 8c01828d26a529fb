"""Is the answer right? Asked of every contender before it is measured, in a process of its own: some hang or crash.

Each scenario is asked `TIMES` in a row from one caller, then all of them from two callers at the same time.
"""

import asyncio
import faulthandler
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any

from flask import got_request_exception

from benchmarks.in_process.callers import Batch, Caller, open_contender
from benchmarks.machinery.absent import surroundings
from benchmarks.machinery.child import ChildError, serve, worker
from benchmarks.machinery.reasons import reason
from benchmarks.subjects.contenders import CONTENDERS
from benchmarks.subjects.scenarios import BOOKS_IN_PROCESS, SCENARIOS

TIMES = 5
CALLERS = 2
SECONDS = 10.0
"""How long one step may take before it counts as hung; on an idle machine they take well below one."""
TOGETHER = "together"
"""In the findings, the step with several callers; the other names are scenarios."""


class TimeLimitExceeded(BaseException):
    """Not an `Exception`, so that no error handler of an app takes it for one of its own."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeLimitExceeded` in the main thread when the block takes longer, whatever it waits for (POSIX)."""

    def stop(*_: object) -> None:
        raise TimeLimitExceeded(f"no answer within {seconds:g} s")

    former = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


@dataclass(frozen=True)
class Examination:
    """What to ask: these scenarios, of this contender on databases at these URLs; `label` is for the one who asks."""

    label: str
    contender: str
    urls: Mapping[str, str]
    scenarios: Sequence[str]


Findings = dict[str, str | None]
"""What is wrong, by scenario and for `TOGETHER`; None where all answers are right.

A scenario that is wrong when asked alone is left out of `TOGETHER`, which is missing when nothing is left.
"""


def examine(examinations: Sequence[Examination], found: Callable[[Examination, Findings], object]) -> None:
    """Examine all, two at a time, and hand each one's findings to `found`. An interruption ends the processes."""
    asyncio.run(_examine(examinations, found))


async def _examine(examinations: Sequence[Examination], found: Callable[[Examination, Findings], object]) -> None:
    limit = asyncio.Semaphore(2)

    async def run(examination: Examination) -> None:
        async with limit:
            found(examination, await _examine_one(examination))

    async with asyncio.TaskGroup() as group:
        for examination in examinations:
            group.create_task(run(examination))


async def _examine_one(examination: Examination) -> Findings:
    findings: Findings = {}
    while True:
        asked = [name for name in examination.scenarios if findings.get(name) is None]
        steps = [*(name for name in examination.scenarios if name not in findings)]
        steps += [TOGETHER] if asked and TOGETHER not in findings else []
        if not steps:
            return findings
        findings |= await _run({**asdict(examination), "scenarios": asked}, steps)


async def _run(order: Mapping[str, Any], steps: Sequence[str]) -> Findings:
    """Findings of one child, up to the first step with a problem: what it leaves behind must not become the next one's.

    A step in which the child died has that for a finding.
    """
    findings: Findings = {}
    environ = {**os.environ, **surroundings(("numpy", *CONTENDERS[order["contender"]].needs)), "PYTHONWARNINGS": "ignore"}
    with worker("benchmarks.in_process.examination", environ=environ) as child:
        try:
            for step in steps:
                if problem := await asyncio.to_thread(child.ask, {**order, "step": step}):
                    return {**findings, step: problem}
                findings[step] = None
        except ChildError as error:
            findings[step] = error.ended
    return findings


@dataclass
class _Asked:
    """A contender that is asked step by step; the first step opens it."""

    contender: str
    urls: Mapping[str, str]
    together: Sequence[str]
    caller: Caller | None = None
    numbers: Iterator[int] = field(default_factory=count)
    error: BaseException | None = None
    """The last exception that a view raised, for the reason behind a 500."""

    def note(self, _: object, exception: BaseException, **__: object) -> None:
        """Take note of it."""
        self.error = exception

    def take(self, step: str) -> None:
        """Raise what goes wrong."""
        if self.caller is None:
            self.caller = open_contender(self.contender, self.urls)
        if step == TOGETHER:
            self.caller.together([self._batch(self.caller, self.together) for _ in range(CALLERS)])
        else:
            self._batch(self.caller, [step])()

    def _batch(self, caller: Caller, names: Sequence[str]) -> Batch:
        requests = [request for name in names if (request := SCENARIOS[name].request)]
        asked = [request(next(self.numbers), BOOKS_IN_PROCESS) for _ in range(TIMES) for request in requests]
        return caller.batch(asked, check=True)

    def problem(self, step: str) -> str | None:
        """What goes wrong."""
        faulthandler.dump_traceback_later(2 * SECONDS, exit=True)  # for what no signal handler can interrupt
        try:
            with time_limit(SECONDS):
                self.take(step)
        except TimeLimitExceeded as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            return reason(self.error or error)
        finally:
            faulthandler.cancel_dump_traceback_later()
        return None


def main() -> None:
    """Answer each step with its problem."""
    known: list[_Asked] = []

    def respond(order: Mapping[str, Any]) -> str | None:
        if not known:
            known.append(_Asked(order["contender"], order["urls"], order["scenarios"]))
            got_request_exception.connect(known[0].note)
            with suppress(Exception):  # it comes again in the first step; imports are not what is timed
                CONTENDERS[order["contender"]].factory()
        return known[0].problem(order["step"])

    serve(respond)


if __name__ == "__main__":
    main()
