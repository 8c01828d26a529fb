"""Connections as an attacker uses them: requests in turn, pipelined, or as streams of HTTP/2.

Each of `in_turn`, `pipelined` and `streams` sends the requests on one connection and returns an answer for each, or None where
the server closed, or reset the stream, before the answer's end.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import h2.config
import h2.connection
import h2.events

from tests.library.answers import PATIENCE, Answer


class Sent(NamedTuple):
    """A request; headers in lower case."""

    path: str
    headers: Sequence[tuple[str, str]] = ()
    method: str = "GET"
    body: bytes = b""
    chunked: bool = False
    """In two chunks, without a length."""

    def encoded(self) -> bytes:
        """As HTTP/1.1."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "host: localhost", *(f"{name}: {value}" for name, value in self.headers)]
        if not self.body:
            return "\r\n".join([*lines, "\r\n"]).encode()
        if not self.chunked:
            return "\r\n".join([*lines, f"content-length: {len(self.body)}", "\r\n"]).encode() + self.body
        middle = len(self.body) // 2
        parts = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (self.body[:middle], self.body[middle:], b""))
        return "\r\n".join([*lines, "transfer-encoding: chunked", "\r\n"]).encode() + parts


class Pipe:
    """An HTTP/1.1 connection whose requests may be sent before the answers to earlier ones."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int) -> "Pipe":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, *requests: Sent) -> None:
        self.writer.write(b"".join(request.encoded() for request in requests))

    async def answer(self, method: str) -> Answer | None:
        """The next one, to a request of this method; None if the connection ends before it does."""
        try:
            return await asyncio.wait_for(self._answer(method), PATIENCE)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def _answer(self, method: str) -> Answer:
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        answer = Answer(int(first.split(" ")[1]), headers, b"")
        if method == "HEAD" or answer.status in {204, 304}:
            return answer
        if "chunked" in answer.all("Transfer-Encoding"):
            return answer._replace(body=await self._chunks())
        (length,) = answer.all("Content-Length")
        return answer._replace(body=await self.reader.readexactly(int(length)))

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return body

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


async def pipelined(port: int, requests: Sequence[Sent]) -> list[Answer | None]:
    """All requests at once, as one write."""
    pipe = await Pipe.open(port)
    pipe.send(*requests)
    answers = [await pipe.answer(request.method) for request in requests]
    await pipe.close()
    return answers


async def in_turn(port: int, requests: Sequence[Sent]) -> list[Answer | None]:
    """Each request after the answer to the one before it."""
    pipe = await Pipe.open(port)
    answers = []
    for request in requests:
        pipe.send(request)
        answers.append(await pipe.answer(request.method))
    await pipe.close()
    return answers


async def streams(port: int, requests: Sequence[Sent]) -> list[Answer | None]:
    """All requests at once, as streams of one HTTP/2 connection with prior knowledge."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    http2 = _Streams(requests)
    while http2.open:
        http2.send_bodies()
        writer.write(http2.connection.data_to_send())
        data = await asyncio.wait_for(reader.read(65536), PATIENCE)
        if not data:
            break
        http2.receive(data)
    await Pipe(reader, writer).close()
    return [http2.ended.get(number) for number in http2.numbers]


class _Streams:
    """The client's side of an HTTP/2 connection, without its socket."""

    def __init__(self, requests: Sequence[Sent]) -> None:
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.connection.initiate_connection()
        self.numbers = range(1, 2 * len(requests), 2)
        self.open = {*self.numbers}
        self.unsent: dict[int, bytes] = {}
        self.begun: dict[int, Answer] = {}
        self.ended: dict[int, Answer] = {}
        for number, request in zip(self.numbers, requests, strict=True):
            pseudo = ((":method", request.method), (":scheme", "http"), (":authority", "localhost"), (":path", request.path))
            self.connection.send_headers(number, (*pseudo, *request.headers), end_stream=not request.body)
            if request.body:
                self.unsent[number] = request.body

    def send_bodies(self) -> None:
        """As much of them as the server has room for."""
        for number, body in [*self.unsent.items()]:
            while body and (room := min(self.connection.local_flow_control_window(number), 16384)):
                self.connection.send_data(number, body[:room], end_stream=len(body) <= room)
                body = body[room:]
            self.unsent[number] = body
            if not body:
                del self.unsent[number]

    def receive(self, data: bytes) -> None:
        for event in self.connection.receive_data(data):
            match event:
                case h2.events.ResponseReceived(stream_id=int(number), headers=list(headers)):
                    (_, status), *rest = [(str(name), str(value)) for name, value in headers]
                    self.begun[number] = Answer(int(status), rest, b"")
                case h2.events.DataReceived(stream_id=int(number), data=bytes(part), flow_controlled_length=int(size)):
                    self.begun[number] = self.begun[number]._replace(body=self.begun[number].body + part)
                    self.connection.acknowledge_received_data(size, number)
                case h2.events.StreamEnded(stream_id=int(number)):
                    self.ended[number] = self.begun[number]
                    self.open.discard(number)
                case h2.events.StreamReset(stream_id=int(number)):
                    self.open.discard(number)
                    self.unsent.pop(number, None)
                case _:
                    pass
