"""Advanced Alchemy's Flask extension, with the life of a request's sessions made right.

What differs from the stock extension: a session begins, commits, rolls back and closes on the loop of its view; it is closed
exactly once whatever happens, and not usable afterwards; a failing commit reaches the app's error handlers; nothing is created
on start unless ``create_all`` asks for it; several binds are flushed before the first is committed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import flask
from advanced_alchemy.exceptions import ImproperConfigurationError
from advanced_alchemy.extensions.flask import AdvancedAlchemy as StockExtension
from advanced_alchemy.extensions.flask import SQLAlchemyAsyncConfig
from advanced_alchemy.extensions.flask.cli import database_group
from advanced_alchemy.utils.portals import PortalProvider
from flask import current_app, g
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session

from .portal import Portal, core
from .reading import READS_IN_AUTOCOMMIT, ReadOnlySession, ReadSession
from .upstream import end_refused_transactions


class Flask(flask.Flask):
    """Flask that ends the request's sessions when the response is made: the last step that can still change the answer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.portal = Portal()
        super().__init__(*args, **kwargs)

    def process_response(self, response: flask.Response) -> flask.Response:
        """Run the ``after_request`` functions, then commit; a commit that fails is handled like an exception of the view."""
        response = super().process_response(response)
        extension = self.extensions.get("advanced_alchemy")
        if not isinstance(extension, AdvancedAlchemy):
            return response
        try:
            extension.end_sessions(response)
        except Exception as error:  # noqa: BLE001 - as Flask.full_dispatch_request does
            answer = self.make_response(self.handle_user_exception(error))
            response = super().process_response(answer)
        return response


class Open(NamedTuple):
    """A session of the current request or application context; ``key`` is its name on ``g``."""

    key: str
    session: Session
    config: SQLAlchemyAsyncConfig

    def to_commit(self, status: int) -> bool:
        """Whether there is something to commit, and the response's status asks for it."""
        writes = self.session.in_transaction() and not isinstance(self.session, ReadOnlySession)
        return writes and commits(self.config.commit_mode, status)


class AdvancedAlchemy(StockExtension):
    """The extension, for an app of the class :class:`Flask` above, with asynchronous configurations only."""

    __slots__ = ("_configs", "_makers")

    def __init__(self, config: SQLAlchemyAsyncConfig | Sequence[SQLAlchemyAsyncConfig], app: Flask | None = None) -> None:
        self._configs: dict[str, SQLAlchemyAsyncConfig] = {}
        self._makers: dict[str, Callable[[], AsyncSession]] = {}
        super().__init__(config)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: flask.Flask) -> None:
        """Register on the app: the sessions' end, the ``flask database`` commands, the engines' disposal.

        Raises:
            ImproperConfigurationError: if the app has the extension already or is not a :class:`Flask` of this module, or for a
                configuration of another kind, two with the same bind key, or one with ``routing_config``.
        """
        if "advanced_alchemy" in app.extensions:
            msg = "Advanced Alchemy is already registered on this app"
            raise ImproperConfigurationError(msg)
        if not isinstance(app, Flask):
            msg = f"this extension needs an app of the runtime's Flask class, not {type(app).__name__}"
            raise ImproperConfigurationError(msg)
        self.portal_provider = cast("PortalProvider", app.portal)
        for config in self.config:
            self._add(app, config)
        app.extensions["advanced_alchemy"] = self
        app.teardown_appcontext(self._teardown)
        app.cli.add_command(database_group)

    def _add(self, app: Flask, config: Any) -> None:
        bind_key = config.bind_key = config.bind_key or "default"
        if not isinstance(config, SQLAlchemyAsyncConfig):
            msg = f"the configuration of bind {bind_key!r} is a {type(config).__name__}, not a {SQLAlchemyAsyncConfig.__name__}"
            raise ImproperConfigurationError(msg)
        if config.routing_config is not None:
            msg = f"the configuration of bind {bind_key!r} uses routing_config, which is not supported here"
            raise ImproperConfigurationError(msg)
        if self._configs.setdefault(bind_key, config) is not config:
            msg = f"two configurations have the bind key {bind_key!r}"
            raise ImproperConfigurationError(msg)
        config.app = app
        maker = config.create_session_maker()
        if isinstance(maker, async_sessionmaker):
            maker.configure(close_resets_only=False)  # a closed session that begins again would leak its connection
        self._makers[_name(bind_key, False)] = maker
        engine = config.get_engine()
        app.portal.own(engine)
        end_refused_transactions(engine)
        reading = {**config.session_config_dict, "class_": ReadSession, "close_resets_only": False}
        if engine.dialect.name in READS_IN_AUTOCOMMIT:
            engine = engine.execution_options(isolation_level="AUTOCOMMIT")
            reading["info"] = {**reading.get("info", {}), "autocommit": True}
        self._makers[_name(bind_key, True)] = async_sessionmaker(**{**reading, "bind": engine})
        if config.create_all:
            app.portal.call(self._create_all, config)

    async def _create_all(self, config: SQLAlchemyAsyncConfig) -> None:
        await config.create_all_metadata()
        await config.get_engine().dispose()  # nothing stays open for a fork to inherit

    def get_session(self, bind_key: str = "default", *, read_only: bool = False) -> AsyncSession:
        """The session of the current request or application context; made on the first call, ended by the extension.

        Args:
            bind_key: which database.
            read_only: a session that refuses to write. On PostgreSQL it reads in AUTOCOMMIT, each statement seeing the latest
                committed data as it does under READ COMMITTED, and saves the round trips of BEGIN and COMMIT.

        Raises:
            ImproperConfigurationError: for a bind key that has no configuration.
        """
        name = _name(self._bind_key(bind_key), read_only)
        session: AsyncSession | None = g.get(name)
        if session is None:
            session = self._makers[name]()
            setattr(g, name, session)
        return session

    def new_session(self, bind_key: str = "default", *, read_only: bool = False) -> AsyncSession:
        """A session of one's own, for ``async with``: for concurrent queries, streams and work outside a request.

        Raises:
            ImproperConfigurationError: for a bind key that has no configuration.
        """
        return self._makers[_name(self._bind_key(bind_key), read_only)]()

    def _bind_key(self, bind_key: str) -> str:
        if bind_key == "default" and len(self._configs) == 1:
            (bind_key,) = self._configs
        if bind_key not in self._configs:
            msg = f"no database is configured for the bind key {bind_key!r}; there are: {', '.join(self._configs)}"
            raise ImproperConfigurationError(msg)
        return bind_key

    @contextmanager
    def with_session(self, bind_key: str = "default") -> Iterator[AsyncSession]:
        """The context's session, closed and forgotten at the end of the block. What is not committed is rolled back."""
        session = self.get_session(bind_key)
        try:
            yield session
        finally:
            self._close([one for one in self._open() if one.session is core(session)])

    def _open(self) -> list[Open]:
        """The sessions of the current context, in the order of the configurations."""
        return [
            Open(name, core(session), config)
            for bind_key, config in self._configs.items()
            for name in (_name(bind_key, False), _name(bind_key, True))
            if (session := g.get(name)) is not None
        ]

    def end_sessions(self, response: flask.Response) -> None:
        """Commit or roll back as each configuration's ``commit_mode`` says for the status, and close.

        Under a streamed body that still may use them the sessions stay open until its context ends.

        Raises:
            Exception: what a flush or a commit raises; then nothing is kept that was not committed before it.
        """
        sessions = self._open()
        committing = [one.session for one in sessions if one.to_commit(response.status_code)]
        try:
            if committing:
                _portal().run(commit, committing)
        except BaseException:
            self._close(sessions)
            raise
        if not response.is_streamed:
            self._close(sessions)

    def _close(self, sessions: list[Open]) -> None:
        for key, session, _ in sessions:
            try:
                if not session.in_transaction():
                    session.close()
                elif session.info.get("autocommit"):
                    _portal().run_briefly(session.close)
                else:
                    _portal().run(session.close)
            except Exception:
                current_app.logger.exception("closing the session %s failed", key)
            finally:
                g.pop(key, None)

    def _teardown(self, _: BaseException | None = None) -> None:
        self._close(self._open())


def commit(sessions: Sequence[Session]) -> None:
    """Commit the sessions one after the other, having flushed all of them: what can fail should fail before the first."""
    if len(sessions) > 1:
        for session in sessions:
            session.flush()
    for session in sessions:
        session.commit()


def _name(bind_key: str, read_only: bool) -> str:
    """What a session is called on ``g``; the stock extension's name, but for the reading ones."""
    return f"advanced_alchemy_{'reading' if read_only else 'session'}_{bind_key}"


def _portal() -> Portal:
    return cast("Flask", current_app).portal


def commits(commit_mode: str, status: int) -> bool:
    """Whether a response with this status is committed: ``manual`` no, ``autocommit`` 2xx, ``..._include_redirect`` 3xx too."""
    limit = {"manual": 0, "autocommit": 300, "autocommit_include_redirect": 400}[commit_mode]
    return 200 <= status < limit
