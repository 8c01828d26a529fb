"""An HTTP server that does nothing: the same answer to whatever is sent, at once or after a time.

`python -m benchmarks.under_load._trivial PORT MILLISECONDS`.
"""

import asyncio
import sys
from typing import cast

from benchmarks.load.generator import fastest_loop

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"

DELAY = int(sys.argv[2]) / 1000


class Trivial(asyncio.Protocol):
    """Answers each chunk of data, which is one request as long as requests are not pipelined."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002
        """Answer."""
        if DELAY:
            asyncio.get_running_loop().call_later(DELAY, self.transport.write, ANSWER)
        else:
            self.transport.write(ANSWER)


async def main() -> None:
    """Serve for ever."""
    server = await asyncio.get_running_loop().create_server(Trivial, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=fastest_loop) as runner:
        runner.run(main())
