"""One persistent HTTP/1.1 connection, with one request at a time."""

import asyncio
import time
from typing import NamedTuple, Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from benchmarks.load.outcome import FailureKind
from benchmarks.load.plan import Request


class Job(NamedTuple):
    """A request on its way; `intended` is when it should start, on the clock time.monotonic()."""

    kind: str
    request: Request
    wire: bytes
    intended: float


class Register(Protocol):
    """Who hears of every job once: answered, or failed."""

    def answered(self, job: Job, status: int, body: bytes, now: float) -> None: ...
    def failed(self, job: Job, failure: FailureKind, detail: str) -> None: ...


class Owner(Protocol):
    """Whoever gives a connection its jobs; `recorder` hears of those that are under way."""

    @property
    def recorder(self) -> Register: ...
    def free(self, connection: "Connection") -> None: ...
    def lost(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    """Sends a job when told to, reports its end, and then that it is free for the next, or lost."""

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        self.parser = HttpResponseParser(self)
        self.job: Job | None = None
        self.sent = 0.0  # when the job was
        self.proven = False  # whether it ever gave an answer

    def send(self, job: Job) -> None:
        """Send `job`; only to a connection that is free."""
        self.job = job
        self.body: list[bytes] = []
        self.headed = self.framed = self.complete = self.reusable = False
        self.sent = time.monotonic()
        self.transport.write(job.wire)

    def fail(self, failure: FailureKind, detail: str) -> None:
        """Give up the job, if there is one, and the connection."""
        if job := self.job:
            self.job = None
            self.owner.recorder.failed(job, failure, detail)
        self.transport.abort()

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.fail(FailureKind.PROTOCOL, f"{error.__context__ or error}: {data[:200]!r}")
            return
        if self.job and self.complete:
            self._finish(self.job)

    def eof_received(self) -> None:
        if self.job and self.headed and not self.framed:  # such a body ends with its connection
            self._finish(self.job)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.job:
            self.fail(FailureKind.RESET, str(exc or "closed before the answer was complete"))
        self.owner.lost(self)

    # what the parser calls

    def on_message_begin(self) -> None:
        if self.job is None or self.complete:
            raise ValueError("an answer that was not asked for")

    def on_header(self, name: bytes, value: bytes) -> None:  # noqa: ARG002 - the parser's signature
        if len(name) in {14, 17} and name.lower() in {b"content-length", b"transfer-encoding"}:
            self.framed = True

    def on_headers_complete(self) -> None:
        self.headed = True

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        self.complete = True
        self.reusable = self.parser.should_keep_alive()  # the parser forgets when it returns

    def _finish(self, job: Job) -> None:
        self.job, self.proven = None, True
        self.owner.recorder.answered(job, self.parser.get_status_code(), b"".join(self.body), time.monotonic())
        if self.reusable:
            self.owner.free(self)
        else:
            self.transport.abort()
