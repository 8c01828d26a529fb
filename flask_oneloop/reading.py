"""A session for reading: it cannot write, so it needs no transaction."""

from typing import Any

from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


class ReadOnlySession(Session):
    """A session whose flush refuses to write; use no INSERT, UPDATE or DELETE statements with it either."""

    def flush(self, objects: Any = None) -> None:  # noqa: ARG002 - the signature is SQLAlchemy's
        if self.new or self.dirty or self.deleted:
            raise InvalidRequestError("this session is read-only: take get_session() without read_only to write")


class ReadSession(AsyncSession):
    """The same for coroutines."""

    sync_session_class = ReadOnlySession
