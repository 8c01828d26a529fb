"""The end of a request's sessions: what is committed, in which order, and where."""

from collections.abc import Callable, Sequence
from itertools import groupby
from operator import call
from typing import Any, NamedTuple

from advanced_alchemy.extensions.flask import SQLAlchemyAsyncConfig, SQLAlchemySyncConfig
from flask import current_app, g
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from .portal import Portal

Config = SQLAlchemyAsyncConfig | SQLAlchemySyncConfig


class Kind(NamedTuple):
    """Of which a request or application context has at most one session: those of a bind that write, or those that read."""

    key: str
    """Its name on ``g``."""
    make: Callable[[], Any]
    commit_mode: str
    """``manual`` for those that read."""
    portal: Portal | None
    """On whose loop its sessions wait for the database; None if they are synchronous and wait where they are used."""


class Open(NamedTuple):
    """A session of the current context; of an asynchronous one the synchronous session behind it."""

    session: Session
    kind: Kind

    def to_commit(self, status: int) -> bool:
        """Whether there is something to commit, and the response's status asks for it."""
        return self.session.in_transaction() and 200 <= status < _COMMITTED_BELOW[self.kind.commit_mode]


_COMMITTED_BELOW = {"manual": 0, "autocommit": 300, "autocommit_include_redirect": 400}
"""By commit mode."""


def core(session: AsyncSession | Session) -> Session:
    """The synchronous session behind an asynchronous one, or the session itself."""
    return session.sync_session if isinstance(session, AsyncSession) else session


def commit(sessions: Sequence[Open]) -> None:
    """Commit the sessions one after the other, having flushed all of them: what can fail should fail before the first.

    On the loop all of it is one unit: a request that is cancelled meanwhile is cancelled when all are committed.

    Raises:
        Exception: what a flush or a commit raises.
    """
    common = _portal_of(sessions)
    together = common is not None and common.on_loop()
    groups = [
        (call if portal is None else portal.run, [one.session for one in group])
        for portal, group in groupby(sessions, lambda one: common if together else one.kind.portal)
    ]
    if len(groups) > 1:
        for run, group in groups:
            run(_flush, group)
    for run, group in groups:
        run(_commit, group)


def _portal_of(sessions: Sequence[Open]) -> Portal | None:
    """That of the asynchronous ones among them, which is their app's; None if there are none."""
    return next((one.kind.portal for one in sessions if one.kind.portal is not None), None)


def _flush(sessions: Sequence[Session]) -> None:
    for session in sessions:
        session.flush()


def _commit(sessions: Sequence[Session]) -> None:
    if len(sessions) > 1:
        _flush(sessions)
    for session in sessions:
        session.commit()


def close(sessions: Sequence[Open]) -> None:
    """Close the sessions and take them off ``g``, whatever happens: what a session raises is logged.

    A request that is cancelled meanwhile is cancelled when all are closed.
    """
    if not sessions:
        return
    for one in sessions:
        g.pop(one.kind.key, None)
    waiting = [one for one in sessions if one.kind.portal is not None and one.session.in_transaction()]
    _close([one for one in sessions if one not in waiting])
    portal = _portal_of(waiting)
    if portal is None or (portal.on_loop() and all(one.session.info.get("autocommit") for one in waiting)):
        _close(waiting)  # in AUTOCOMMIT it waits for nothing
    else:
        portal.run(_close, waiting)


def _close(sessions: Sequence[Open]) -> None:
    for session, kind in sessions:
        try:
            session.close()
        except Exception:
            current_app.logger.exception("closing the session %s failed", kind.key)
