"""What a plan refuses, the bytes of a request, and when an open loop sends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import uvloop

from benchmarks.load import Kind, LoadPlan, Request
from benchmarks.load.alarm import Alarm

MIX = (Kind("read", Request("/")),)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"seconds": 0}, "seconds is 0: it must be positive"),
        ({"timeout": float("inf")}, "timeout is inf"),
        ({"rate": -1.0}, "rate is -1.0"),
        ({"warmup": -1}, "warmup is -1: it must not be negative"),
        ({"connections": 0}, "connections is 0: at least one"),
        ({"arrivals": "random"}, "'poisson' or 'uniform'"),
        ({"mix": ()}, r"kinds in the mix are \[\]"),
        ({"mix": MIX + MIX}, "no two of the same name"),
        ({"mix": (Kind("read", Request("/"), 0),)}, "weight of read is 0"),
    ],
)
def test_plans_that_make_no_sense_are_refused(field: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LoadPlan(**{"port": 1, "mix": MIX, "seconds": 1.0, **field})


@pytest.mark.parametrize("path", ["", "books", "/two words", "/a\r\nHost: b", "/bücher"])
def test_paths_that_are_none_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path is"):
        Request(path)


def test_methods_whose_answer_cannot_be_parsed_are_refused() -> None:
    with pytest.raises(ValueError, match="method is 'HEAD': it must be one of GET, "):
        Request("/", method="HEAD")


def test_bytes_on_the_wire() -> None:
    assert Request("/books?page=2").wire("h:1") == b"GET /books?page=2 HTTP/1.1\r\nHost: h:1\r\n\r\n"
    create = Request("/books", "POST", b'{"a":1}', {"Content-Type": "application/json"})
    assert create.wire("h:1") == (
        b'POST /books HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}'
    )
    assert Request("/x", "POST").wire("h").endswith(b"Content-Length: 0\r\n\r\n")


def test_a_uniform_schedule_is_equally_spaced() -> None:
    plan = LoadPlan(port=1, mix=MIX, warmup=0.5, seconds=1.5, rate=4, arrivals="uniform")
    assert plan.schedule() == [0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75]


def test_a_poisson_schedule_has_the_rate_and_independent_gaps() -> None:
    plan = LoadPlan(port=1, mix=MIX, warmup=10, seconds=90, rate=200, seed=7)
    schedule = np.array(plan.schedule())
    assert len(schedule) == 20_000
    assert schedule.min() >= 0
    assert schedule.max() < 100
    gaps = np.diff(schedule)
    assert (gaps >= 0).all()
    assert gaps.std() / gaps.mean() == pytest.approx(1, abs=0.03)  # exponential: deviation is the mean
    assert np.corrcoef(gaps[:-1], gaps[1:])[0, 1] == pytest.approx(0, abs=0.03)
    assert plan.schedule() == schedule.tolist()
    assert LoadPlan(port=1, mix=MIX, warmup=10, seconds=90, rate=200, seed=8).schedule() != schedule.tolist()


def test_a_closed_loop_has_no_schedule() -> None:
    assert LoadPlan(port=1, mix=MIX, seconds=1).schedule() == []


@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
@pytest.mark.parametrize("platform", ["linux", "elsewhere"])
def test_the_alarm_rings_for_each_instant(
    platform: str, new_loop: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the kernel has no timerfd; and an instant that is past rings at once."""
    monkeypatch.setattr("benchmarks.load.alarm.sys.platform", platform)

    async def main() -> list[float]:
        loop, heard, rung = asyncio.get_running_loop(), list[float](), asyncio.Event()

        def ring() -> None:
            heard.append(time.monotonic())
            rung.set()

        alarm = Alarm(loop, ring)
        start = time.monotonic()
        alarm.set(start + 60)  # replaced by the next
        for delay in (0.05, 0.0, -1.0):
            rung.clear()
            alarm.set(start + delay)
            await asyncio.wait_for(rung.wait(), 5)
        alarm.set(start)
        alarm.close()
        await asyncio.sleep(0.02)
        return [moment - start for moment in heard]

    with asyncio.Runner(loop_factory=new_loop) as runner:
        heard = runner.run(main())
    assert len(heard) == 3
    assert heard[0] >= (0.05 if platform == "linux" else 0.048)  # elsewhere to the millisecond
