"""Waking an event loop on time.

An event loop keeps its timers in whole milliseconds: on the machine this was written on, callbacks of asyncio
came 0.6-1 ms late and those of uvloop 0.3 ms (or spun a whole core), which is as long as an answer may take.
A Linux timerfd wakes the loop like a socket does: 0.05-0.2 ms late, at less CPU time.
"""

import asyncio
import ctypes
import os
import sys
import time
from collections.abc import Callable

CLOCK_MONOTONIC = 1  # constants of <time.h>, <sys/timerfd.h> and <fcntl.h>; Python has them from 3.13 on
TFD_TIMER_ABSTIME = 1


class _Spec(ctypes.Structure):
    """struct itimerspec."""

    _fields_ = [(name, ctypes.c_long) for name in ("interval_s", "interval_ns", "value_s", "value_ns")]


class Alarm:
    """Calls `callback` once at each instant set, on the clock time.monotonic(); a new instant replaces the last."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop, self._callback = loop, callback
        self._handle: asyncio.TimerHandle | None = None
        self._fd = -1
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._fd = self._libc.timerfd_create(CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd >= 0:
            loop.add_reader(self._fd, self._expired)

    def set(self, instant: float) -> None:
        """Call at `instant`, or at once if that is past."""
        if self._fd >= 0:
            whole = int(instant)
            spec = _Spec(0, 0, whole, int((instant - whole) * 1e9))
            self._libc.timerfd_settime(self._fd, TFD_TIMER_ABSTIME, ctypes.byref(spec), None)
            return
        if self._handle:
            self._handle.cancel()
        self._handle = self._loop.call_later(max(0.0, instant - time.monotonic()), self._callback)

    def close(self) -> None:
        """Call no more."""
        if self._handle:
            self._handle.cancel()
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _expired(self) -> None:
        os.read(self._fd, 8)  # the number of expirations; unread it would wake the loop again
        self._callback()
