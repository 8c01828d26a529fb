"""What is counted: an app and requests to it, in a process of its own (`python -m benchmarks.in_process.instructions.child`).

It is ordered `{"task": "count" or "trace", "contender", "urls", "scenario", "requests", "warm_up"}`.
Its answer is `{"problem"}`, which is null when all went right, and for a trace `"bytecodes"`.
"""

import gc
import sys
import threading
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from benchmarks.in_process.callers import Requests, open_contender
from benchmarks.in_process.instructions.callgrind import Callgrind
from benchmarks.machinery.child import serve
from benchmarks.machinery.reasons import reason
from benchmarks.subjects.layers import OTHER, of_python
from flask_oneloop import watch

SLOWER = 100
"""By how much callgrind slows: what is done so many times a second is slowed as well, else each request would have more of it."""

CHECKED = 4
"""Requests whose answers are looked at; of the others the status."""


def count_instructions(requests: Requests, number: int, warm_up: int) -> None:
    """Have callgrind write two dumps: of `number` requests, and of three times as many. Their difference is of requests alone."""
    callgrind = Callgrind()
    batches = [requests.batch(times * number) for times in (1, 1, 3)]
    _settle(requests, warm_up)
    callgrind.start()
    batches[0]()  # the first under callgrind translates the code
    for batch in batches[1:]:
        callgrind.zero()
        batch()
        callgrind.dump()
    callgrind.stop()


def _settle(requests: Requests, warm_up: int) -> None:
    gc.collect()
    gc.disable()  # a collection costs much and comes seldom: by chance in one dump, or in none
    requests.batch(warm_up)()  # the collection has emptied Python's lists of free objects, too


class Trace:
    """Counts the bytecodes that are executed in each layer, in all threads and greenlets, while `counting`.

    A frame of no layer counts to its caller's, and to `other` where no caller has one.
    """

    def __init__(self) -> None:
        self.counting = False
        self.bytecodes: dict[str, int] = {}
        self._tracers: dict[str, Callable[[FrameType, str, Any], Any]] = {}

    def install(self) -> None:
        """Trace what this thread, and every thread started from now on, will call."""
        threading.settrace(self._called)
        sys.settrace(self._called)

    def _called(self, frame: FrameType, _: str, __: Any) -> Callable[[FrameType, str, Any], Any]:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._tracer(_layer(frame))

    def _tracer(self, layer: str) -> Callable[[FrameType, str, Any], Any]:
        if layer not in self._tracers:

            def trace(_: FrameType, event: str, __: Any) -> Any:
                if self.counting and event == "opcode":
                    self.bytecodes[layer] += 1
                return trace

            self.bytecodes[layer] = 0
            self._tracers[layer] = trace
        return self._tracers[layer]


def _layer(frame: FrameType) -> str:
    at: FrameType | None = frame
    while at is not None:
        if layer := of_python(at.f_code.co_filename):
            return layer
        at = at.f_back
    return OTHER


def trace_bytecodes(trace: Trace, requests: Requests, number: int, warm_up: int) -> dict[str, float]:
    """Bytecodes per request by layer, over three times `number` requests."""
    batch = requests.batch(3 * number)
    _settle(requests, warm_up)
    trace.counting = True
    batch()
    trace.counting = False
    return {layer: executed / (3 * number) for layer, executed in trace.bytecodes.items() if executed}


def run(order: Mapping[str, Any], answer: dict[str, Any]) -> None:
    """Do what is ordered."""
    watch.WATCH_EVERY *= SLOWER
    sys.setswitchinterval(SLOWER * sys.getswitchinterval())
    trace = Trace()
    if order["task"] == "trace":
        trace.install()
    requests = Requests(open_contender(order["contender"], order["urls"]), order["scenario"])
    requests.batch(CHECKED, check=True)()
    if order["task"] == "trace":
        answer["bytecodes"] = trace_bytecodes(trace, requests, order["requests"], order["warm_up"])
    else:
        count_instructions(requests, order["requests"], order["warm_up"])


def main() -> None:
    """Answer the order."""

    def respond(order: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = {"problem": None}
        try:
            run(order, answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            answer["problem"] = reason(error)
        return answer

    serve(respond, every=3600)  # looking after the parent costs instructions


if __name__ == "__main__":
    main()
