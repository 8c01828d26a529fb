"""Advanced Alchemy's Flask extension, with the life of a request's sessions made right.

What differs from the stock extension: an asynchronous session begins, commits, rolls back and closes on the loop of its view; a
session is closed exactly once whatever happens, and not usable afterwards; a failing commit reaches the app's error handlers;
nothing is created on start unless ``create_all`` asks for it; several binds are flushed before the first is committed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
from operator import call
from typing import Any, Generic, TypeVar, cast, overload

import flask
from advanced_alchemy.exceptions import ImproperConfigurationError
from advanced_alchemy.extensions.flask import AdvancedAlchemy as StockExtension
from advanced_alchemy.extensions.flask import SQLAlchemyAsyncConfig, SQLAlchemySyncConfig
from advanced_alchemy.extensions.flask.cli import database_group
from advanced_alchemy.utils.portals import PortalProvider
from flask.ctx import AppContext, _AppCtxGlobals
from flask.globals import app_ctx
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, sessionmaker

from .cookies import CookieSessions
from .pooler import check_first_connection
from .portal import Portal, in_one_connection
from .reading import ReadOnlySession, ReadSession
from .transactions import Config, Kind, Open, close, commit, core
from .upstream import end_refused_transactions

_STOCK = flask.Flask.async_to_sync  # others may patch it
_CONTEXT_FIRST = "ctx" in signature(flask.Flask.handle_user_exception).parameters
"""Whether methods of dispatch take the context first: since Flask 3.2, except from a subclass that does not expect it."""

S = TypeVar("S", bound=AsyncSession | Session)


class Flask(flask.Flask):
    """Flask that ends the request's sessions when the response is made: the last step that can still change the answer.

    Its coroutines run as plain Flask's do: an app with some, or with asynchronous configurations, is an ``AsyncFlask``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.portal = Portal()
        super().__init__(*args, **kwargs)
        sessions = self.session_interface
        if type(sessions) is SecureCookieSessionInterface and not vars(sessions):  # Flask's own as they are, no base class's
            self.session_interface = CookieSessions()

    def process_response(self, *ctx: "flask.Response | flask.ctx.AppContext") -> flask.Response:
        """Run the ``after_request`` functions, then commit; a commit that fails is handled like an exception of the view.

        Called with the response; since Flask 3.2 the context comes first.
        """
        dispatch: Any = super()
        response: flask.Response = dispatch.process_response(*ctx)
        extension = self.extensions.get("advanced_alchemy")
        if not isinstance(extension, AdvancedAlchemy):
            return response
        try:
            extension.end_sessions(response)
        except Exception as error:  # noqa: BLE001 - as Flask.full_dispatch_request does
            context = (app_ctx._get_current_object(),) if _CONTEXT_FIRST else ()  # type: ignore[attr-defined]  # noqa: SLF001
            handle: Any = self.handle_user_exception
            response = dispatch.process_response(*context, self.make_response(handle(*context, error)))
        return response

    def do_teardown_appcontext(self, *ctx: AppContext) -> None:  # type: ignore[override]
        """Run the teardown functions, then close what sessions are left, even if one raises: Flask 3.1 skips the rest then.

        Called with the context's exception, if any; since Flask 3.2 the context comes first.
        """
        try:
            super().do_teardown_appcontext(*ctx)  # type: ignore[arg-type]
        finally:
            extension = self.extensions.get("advanced_alchemy")
            if isinstance(extension, AdvancedAlchemy):
                extension.close_sessions()


class AdvancedAlchemy(StockExtension, Generic[S]):
    """The extension, for an app of one of this library's classes; with ``S``, the class of its sessions, for type checkers."""

    __slots__ = ("_kinds",)

    @overload
    def __init__(
        self: "AdvancedAlchemy[AsyncSession]",
        config: SQLAlchemyAsyncConfig | Sequence[SQLAlchemyAsyncConfig],
        app: flask.Flask | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: "AdvancedAlchemy[Session]",
        config: SQLAlchemySyncConfig | Sequence[SQLAlchemySyncConfig],
        app: flask.Flask | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: "AdvancedAlchemy[AsyncSession | Session]", config: Sequence[Config], app: flask.Flask | None = None
    ) -> None: ...
    def __init__(self, config: Config | Sequence[Config], app: flask.Flask | None = None) -> None:
        self._kinds: dict[tuple[str, bool], Kind] = {}
        super().__init__(config, app)

    def init_app(self, app: flask.Flask) -> None:
        """Register on the app: the sessions' end, the ``flask database`` commands, the engines' disposal.

        Raises:
            ImproperConfigurationError: if the app has the extension already or is not of a class of this library, or for a
                configuration of another kind, two with the same bind key, or one with ``routing_config``.
        """
        if "advanced_alchemy" in app.extensions:
            # in the stock extension's words
            raise ImproperConfigurationError("Advanced Alchemy extension is already registered on this Flask application.")
        if not isinstance(app, Flask):
            raise ImproperConfigurationError(f"the extension needs flask_oneloop's AsyncFlask or Flask, not {type(app).__name__}")
        self.portal_provider = cast("PortalProvider", app.portal)
        for config in self.config:
            self._add(app, config)
        app.extensions["advanced_alchemy"] = self
        app.cli.add_command(database_group)

    def _add(self, app: Flask, config: Any) -> None:
        bind_key = config.bind_key = config.bind_key or "default"
        if not isinstance(config, Config):
            raise ImproperConfigurationError(f"bind {bind_key!r} is a {type(config).__name__}, none of the Flask extension's")
        if config.routing_config is not None:
            raise ImproperConfigurationError(f"the bind {bind_key!r} uses routing_config, which is not supported here")
        if (bind_key, False) in self._kinds:
            raise ImproperConfigurationError(f"two configurations have the bind key {bind_key!r}")
        if isinstance(config, SQLAlchemyAsyncConfig) and type(app).async_to_sync is _STOCK:
            raise ImproperConfigurationError(f"{bind_key!r} is asynchronous: it needs an AsyncFlask, not a {type(app).__name__}")
        config.app = app
        portal = app.portal if isinstance(config, SQLAlchemyAsyncConfig) else None
        autocommit = app.config.get("ONELOOP_READS_IN_AUTOCOMMIT", True)
        for read_only, make in ((False, _writing(config)), (True, _reading(config, autocommit))):
            key = f"advanced_alchemy_{'reading' if read_only else 'session'}_{bind_key}"  # when it writes, the stock extension's
            self._kinds[bind_key, read_only] = Kind(key, make, "manual" if read_only else config.commit_mode, portal)
        engine: Any = config.get_engine()
        end_refused_transactions(engine)
        check_first_connection(engine)
        app.portal.own(engine)
        if config.create_all:
            run: Callable[[Any], Any] = call if portal is None else portal.call
            run(config.create_all_metadata)
            if not in_one_connection(engine):
                run(engine.dispose)  # nothing stays open for a fork to inherit

    def get_session(self, bind_key: str = "default", *, read_only: bool = False) -> S:
        """The session of the current request or application context; made on the first call, ended by the extension.

        Args:
            bind_key: which database.
            read_only: a session that refuses to write. On PostgreSQL it reads in AUTOCOMMIT, each statement seeing the latest
                committed data as it does under READ COMMITTED, and saves the round trips of BEGIN and ROLLBACK; in a transaction
                where the app's setting ``ONELOOP_READS_IN_AUTOCOMMIT`` is false.

        Raises:
            ImproperConfigurationError: for a bind key that has no configuration.
        """
        kind = self._kind(bind_key, read_only)
        held = app_ctx.g  # each use of the proxy of that name costs a look-up
        session: S | None = held.get(kind.key)
        if session is None:
            session = kind.make()
            setattr(held, kind.key, session)
        return session

    def new_session(self, bind_key: str = "default", *, read_only: bool = False) -> S:
        """A session of one's own, for ``async with`` or ``with``: for concurrent queries, streams and work outside a request.

        Raises:
            ImproperConfigurationError: for a bind key that has no configuration.
        """
        return cast("S", self._kind(bind_key, read_only).make())

    def _kind(self, bind_key: str, read_only: bool) -> Kind:
        if bind_key == "default" and len(self.config) == 1:
            bind_key = self.config[0].bind_key or bind_key
        try:
            return self._kinds[bind_key, read_only]
        except KeyError:
            known = ", ".join(dict.fromkeys(name for name, _ in self._kinds))
            raise ImproperConfigurationError(f"no database has the bind key {bind_key!r}; there are: {known}") from None

    @contextmanager
    def with_session(self, bind_key: str = "default") -> Iterator[S]:
        """The context's session, closed and forgotten at the end of the block. What is not committed is rolled back."""
        session = self.get_session(bind_key)
        try:
            yield session
        finally:
            close([one for one in self._open() if one.session is core(session)])

    def _open(self) -> list[Open]:
        """The sessions of the current context, in the order of the configurations."""
        held = app_ctx.g
        if type(held) is _AppCtxGlobals and not vars(held):  # another class may hold things elsewhere
            return []
        return [Open(core(session), kind) for kind in self._kinds.values() if (session := held.get(kind.key)) is not None]

    def end_sessions(self, response: flask.Response) -> None:
        """Commit or roll back as each configuration's ``commit_mode`` says for the status, and close.

        Under a streamed body that still may use them the sessions stay open until its context ends.

        Raises:
            Exception: what a flush or a commit raises; then nothing is kept that was not committed before it.
        """
        sessions = self._open()
        try:
            if committing := [one for one in sessions if one.to_commit(response.status_code)]:
                commit(committing)
        except BaseException:
            close(sessions)
            raise
        if not response.is_streamed:
            close(sessions)

    def close_sessions(self) -> None:
        """Close the sessions of the current context; what is not committed is rolled back."""
        close(self._open())


def _writing(config: Config) -> Callable[[], Any]:
    maker = config.create_session_maker()
    if isinstance(maker, async_sessionmaker | sessionmaker):
        maker.configure(close_resets_only=False)  # a closed session that begins again would leak its connection
    return maker


def _reading(config: Config, autocommit: bool) -> Callable[[], Any]:
    engine: Any = config.get_engine()
    options = {**config.session_config_dict, "close_resets_only": False}
    if autocommit and engine.dialect.name == "postgresql":  # its drivers change to AUTOCOMMIT and back without a round trip
        engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        options["info"] = {**options.get("info", {}), "autocommit": True}
    if isinstance(config, SQLAlchemyAsyncConfig):
        return async_sessionmaker(**{**options, "class_": ReadSession, "bind": engine})
    return sessionmaker(**{**options, "class_": ReadOnlySession, "bind": engine})
