"""One request's context never reaches another: attacks on real servers, each answer checked for whose it is."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.runtime.answers import Answer, ask_server
from tests.runtime.app_users import NOBODY, cookie, part
from tests.runtime.wire import Sent, in_turn, pipelined, streams
from tests.servers import ASGI_VARIANTS, Server, serve

NATIVE = [*ASGI_VARIANTS, "hypercorn", "granian"]
HTTP2 = {"hypercorn", "granian", "granian-rust", "gunicorn-asgi"}
LOOP = {"gunicorn": (), "gunicorn-one-thread": ("--threads", "1")}

Sending = Callable[[int, Sequence[Sent]], Coroutine[Any, Any, list[Answer | None]]]

COOKIES = {user: cookie(user) for user in ("alice", "bobby", "carol", "david", "erica", "frank", "gerry", "heidi", "irene", "james")}


@dataclass(frozen=True)
class Way:
    """A way to ask and to be answered, and what the answer has to be for each user."""

    path: str
    status: int = 200
    sizes: tuple[int, ...] | None = (6,)
    """Of the parts of the body; None: any body."""
    length: int | None = None
    method: str = "GET"
    upload: int = 0
    chunked: bool = False
    breaks: bool = False
    """Whether the answer breaks off, and the connection with it."""

    def sent(self, user: str | None) -> Sent:
        headers = [] if user is None else [("x-user", user), ("cookie", COOKIES[user])]
        return Sent(self.path, headers, self.method, part(user or NOBODY, self.upload), self.chunked)

    def is_right(self, user: str | None, answer: Answer | None) -> bool:
        if answer is None or self.breaks:
            return self.breaks
        if answer.status != self.status or self.sizes is None:
            return answer.status == self.status
        return answer.body == b"".join(part(user or NOBODY, size) for size in self.sizes)[: self.length]


PRIVATE = Way("/private", sizes=(5,))
REFUSED = Way("/private", status=401)


@pytest.fixture(scope="session")
def running() -> Iterator[Callable[[str], Server]]:
    """Start a server of this kind when it is first asked for."""
    from contextlib import ExitStack

    servers: dict[str, Server] = {}
    with ExitStack() as stack:

        def start(kind: str) -> Server:
            if kind not in servers:
                attribute = "middleware" if kind in NATIVE else "app"
                servers[kind] = stack.enter_context(serve(kind, f"tests.runtime.app_users:{attribute}"))
            return servers[kind]

        yield start


@pytest.fixture(scope="session", params=NATIVE)
def native(request: pytest.FixtureRequest, running: Callable[[str], Server]) -> Server:
    return running(request.param)


def told(server: Server) -> list[str]:
    """What the app has found wrong since it was last asked."""
    wrong: list[str] = ask_server(server.port, "/wrong").json
    return wrong


def test_pipelined_request_behind_a_stream_that_fills_its_length(native: Server) -> None:
    stream = Way("/sync?body=sync&length=6", length=6)
    answers = asyncio.run(pipelined(native.port, [stream.sent("alice"), REFUSED.sent(None)]))
    assert [answer and (answer.status, answer.text) for answer in answers] == [(200, "alicea"), (401, NOBODY)]
    assert told(native) == []
