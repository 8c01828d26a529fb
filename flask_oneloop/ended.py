"""Connections whose event loop has ended, as the loop of a test does: they cannot be closed on it any more."""

from contextlib import suppress
from threading import Thread
from typing import Any


def drop(connection: Any) -> None:
    """Close a connection of asyncpg, psycopg or aiosqlite without its loop; one of another driver is left to the collector."""
    if (pgconn := getattr(connection, "pgconn", None)) is not None:  # psycopg
        pgconn.finish()
    elif (stop := getattr(connection, "stop", None)) is not None:  # aiosqlite: its thread closes it
        # It asks asyncio for a loop, which in the main thread makes one that nobody closes; in another it is refused.
        asking = Thread(target=stop, daemon=True)
        with suppress(RuntimeError):  # the interpreter exits
            asking.start()
            asking.join()
    elif (terminate := getattr(connection, "terminate", None)) is not None:  # asyncpg
        transport = getattr(connection, "_transport", None)
        try:
            terminate()
        except RuntimeError:  # asyncio's transports ask their loop for it
            if transport is not None and (sock := getattr(transport, "_sock", None)) is not None:
                sock.close()
                transport._sock = None  # noqa: SLF001 - its finalizer would close it with a warning
