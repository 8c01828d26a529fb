"""What to send, to whom, how often."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class Request:
    """One request and its right answer: the `status`, and a body for which `check` is true.

    `check` sees the whole body, chunks joined; where it returns False or raises, the answer is wrong.
    """

    path: str
    method: str = "GET"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    check: Callable[[bytes], bool] | None = None

    def __post_init__(self) -> None:
        if not self.path.startswith("/") or " " in self.path or not (self.path.isascii() and self.path.isprintable()):
            raise ValueError(f"path is {self.path!r}: it must begin with / and be percent-encoded")
        if self.method not in METHODS:
            raise ValueError(f"method is {self.method!r}: it must be one of {', '.join(METHODS)}")

    def wrong(self, body: bytes) -> str | None:
        """What `check` finds wrong with `body`, if anything."""
        try:
            if self.check is None or self.check(body):
                return None
        except Exception as error:  # noqa: BLE001 - a check that trips over a body has found it wrong
            return f"{error!r}: {body[:200]!r}"
        return f"wrong body: {body[:200]!r}"

    def wire(self, host: str) -> bytes:
        """The bytes to send, with `Host` and, where the method or the body asks for it, `Content-Length`."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body or self.method in {"POST", "PUT", "PATCH"}:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")  # no HEAD: the parser would wait for its body


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request in the mix: always the same one, or one made anew each time from the seeded `Random`."""

    name: str
    request: Request | Callable[[Random], Request]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """A load for `warmup` seconds, whose latency is recorded apart, and then `seconds` that count.

    Without a `rate` the loop is closed: each of `connections` sends its next request when the last is answered, and what
    was sent by the end is waited for, and the wait is part of the time.
    With one it is open: requests start at `rate` a second whatever the server does, each at an instant that is
    fixed beforehand (`schedule`), or as soon after it as one of the `connections` is free; their latency counts
    from that instant, so a stall shows in all the requests that it delayed.

    `timeout` is how long a request may take once sent, in seconds. What has not been sent by `timeout` after
    the end is given up, so a run ends within warmup + seconds + 2 timeout, and about a second for connecting.
    Kinds are drawn by weight; the same `seed` draws the same requests and the same schedule.
    """

    port: int
    mix: tuple[Kind, ...]
    seconds: float
    warmup: float = 0.0
    connections: int = 32
    rate: float | None = None
    arrivals: Literal["poisson", "uniform"] = "poisson"
    timeout: float = 10.0
    seed: int = 0
    host: str = "127.0.0.1"

    def __post_init__(self) -> None:
        for name in ("seconds", "timeout", *(["rate"] if self.rate is not None else [])):
            if not 0 < (value := getattr(self, name)) < math.inf:
                raise ValueError(f"{name} is {value!r}: it must be positive")
        if not 0 <= self.warmup < math.inf:
            raise ValueError(f"warmup is {self.warmup!r}: it must not be negative")
        if self.connections < 1:
            raise ValueError(f"connections is {self.connections!r}: at least one is needed")
        if self.arrivals not in ("poisson", "uniform"):
            raise ValueError(f"arrivals is {self.arrivals!r}: it must be 'poisson' or 'uniform'")
        names = [kind.name for kind in self.mix]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"kinds in the mix are {names}: there must be one, and no two of the same name")
        for kind in self.mix:
            if not 0 < kind.weight < math.inf:
                raise ValueError(f"weight of {kind.name} is {kind.weight!r}: it must be positive")

    def schedule(self) -> list[float]:
        """When the requests of an open loop start, in seconds from the beginning, warm-up included.

        Always rate * (warmup + seconds) of them, to the nearest: equally spaced, or a Poisson process given its
        count, which is as many independent instants anywhere in that time. Empty for a closed loop.
        """
        if self.rate is None:
            return []
        span = self.warmup + self.seconds
        count = round(self.rate * span)
        if self.arrivals == "uniform":
            return [index / self.rate for index in range(count)]
        instants: list[float] = np.sort(np.random.default_rng(self.seed).uniform(0, span, count)).tolist()
        return instants
