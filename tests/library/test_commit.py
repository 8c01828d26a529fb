"""When a request is committed: by the commit mode and the status; and what becomes of a commit that fails."""

import warnings
from collections.abc import Callable
from typing import Any, get_args

import pytest
from flask import Flask, abort, redirect, request, session
from flask.ctx import AppContext
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from flask_oneloop import AsyncFlask
from tests.library.conftest import Ask
from tests.library.contexts import CONTEXTS_ARE_ONE
from tests.library.databases import CommitMode, Databases, Note, Owner, Pet, engines, main, second, select

ANSWERS: dict[str, tuple[int, set[CommitMode]]] = {
    "/answer/200": (200, {"autocommit", "autocommit_include_redirect"}),
    "/answer/201": (201, {"autocommit", "autocommit_include_redirect"}),
    "/answer/299": (299, {"autocommit", "autocommit_include_redirect"}),
    "/answer/300": (300, {"autocommit_include_redirect"}),
    "/answer/399": (399, {"autocommit_include_redirect"}),
    "/answer/400": (400, set()),
    "/answer/500": (500, set()),
    "/redirect": (303, {"autocommit_include_redirect"}),
    "/abort": (404, set()),
    "/raise": (500, set()),
    "/handled/409": (409, set()),
    "/handled/200": (200, {"autocommit", "autocommit_include_redirect"}),
    "/own": (500, {"manual", "autocommit", "autocommit_include_redirect"}),
    "/sync": (200, {"autocommit", "autocommit_include_redirect"}),
}
"""What a view does; the status of its answer; the commit modes that keep what it has written."""


@pytest.mark.parametrize("mode", get_args(CommitMode))
def test_status_and_commit_mode_decide_what_is_kept(
    databases: Databases, ask: Ask, closed: list[Session], mode: CommitMode
) -> None:
    app = databases.app(mode)

    async def add() -> None:
        main(app).add(Owner(name=request.path))
        await main(app).flush()

    @app.post("/answer/<int:status>")
    async def answer(status: int) -> ResponseReturnValue:
        await add()
        return "", status

    @app.post("/redirect")
    async def redirected() -> ResponseReturnValue:
        await add()
        return redirect("/elsewhere", 303)

    @app.post("/abort")
    async def aborted() -> ResponseReturnValue:
        await add()
        abort(404)

    @app.post("/raise")
    async def raising() -> ResponseReturnValue:
        await add()
        raise ValueError("not handled")

    @app.post("/handled/<int:status>")
    async def handled(status: int) -> ResponseReturnValue:
        await add()
        raise LookupError(status)

    @app.errorhandler(LookupError)
    async def handle(error: LookupError) -> ResponseReturnValue:
        return "", error.args[0]

    @app.post("/own")
    async def own_commit() -> ResponseReturnValue:
        await add()
        await main(app).commit()
        main(app).add(Owner(name="after its own commit"))
        await main(app).flush()
        raise ValueError("not handled")

    @app.post("/sync")
    def sync_view() -> ResponseReturnValue:
        main(app).add(Owner(name=request.path))
        return ""

    assert {path: ask(app, path, "POST").status for path in ANSWERS} == {path: status for path, (status, _) in ANSWERS.items()}
    assert {*select(databases.main, "SELECT name FROM owner")} == {path for path, (_, modes) in ANSWERS.items() if mode in modes}
    assert len(closed) == len({*closed}) == len(ANSWERS)


@pytest.fixture
def orphaning(databases: Databases) -> AsyncFlask:
    """An app whose commit fails: a pet without its owner, which the database checks at the end only."""
    app = databases.app()

    @app.post("/")
    async def add() -> str:
        main(app).add(Owner(name="not kept"))
        main(app).add(Pet(owner_id=404))
        await main(app).flush()
        return "added"

    @app.post("/fine")
    async def add_owner() -> str:
        main(app).add(Owner(name="kept"))
        return "added"

    return app


def test_commit_that_fails_is_answered_by_the_error_handler(
    databases: Databases, ask: Ask, orphaning: AsyncFlask, closed: list[Session]
) -> None:
    calls = []

    @orphaning.errorhandler(IntegrityError)
    async def conflict(error: IntegrityError) -> ResponseReturnValue:
        calls.append(type(error))
        number = await main(orphaning).scalar(text("SELECT count(*) FROM owner"))
        return f"conflict, {number} owners", 409

    assert ask(orphaning, "/", "POST")[::2] == (409, b"conflict, 0 owners")
    assert calls == [IntegrityError]
    assert (databases.count(), databases.count(Pet)) == (0, 0)
    assert len(closed) == len({*closed}) == 2, "the request's session, and the handler's own"
    assert [engine.pool.checkedout() for engine in engines(orphaning)] == [0, 0]  # type: ignore[attr-defined]


def test_commit_that_fails_without_a_handler_is_a_500_and_the_next_request_is_served(
    databases: Databases, ask: Ask, orphaning: AsyncFlask, closed: list[Session], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):  # more than the pool has
        assert ask(orphaning, "/", "POST").status == 500
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [IntegrityError] * 5
    assert ask(orphaning, "/fine", "POST").status == 200
    assert (databases.count(), databases.count(Pet)) == (1, 0)
    assert len(closed) == len({*closed}) == 6


def test_commit_of_the_view_itself_that_fails_leaves_nothing(databases: Databases, ask: Ask, closed: list[Session]) -> None:
    """Neither for others to see, nor in the connection: a COMMIT that SQLite refuses does not end its transaction."""
    app = databases.app("manual", pool_size=1)

    @app.post("/")
    async def add() -> str:
        main(app).add(Owner(name="not kept"))
        main(app).add(Pet(owner_id=404))
        await main(app).commit()
        return "added"

    @app.get("/")
    async def count() -> str:
        return str(await main(app).scalar(text("SELECT count(*) FROM owner")))

    assert ask(app, "/", "POST").status == 500
    assert ask(app, "/").text == "0"
    assert (databases.count(), databases.count(Pet)) == (0, 0)
    assert len(closed) == len({*closed}) == 2


def test_commit_that_fails_reaches_the_test_when_testing(ask: Ask, orphaning: AsyncFlask, closed: list[Session]) -> None:
    orphaning.testing = True
    with pytest.raises(IntegrityError):
        ask(orphaning, "/", "POST")
    assert len(closed) == 1


def with_old_signatures() -> type[AsyncFlask]:
    """Those of Flask 3.1, which 3.2 warns of and wraps."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):

        class App(AsyncFlask):
            def full_dispatch_request(self) -> Any:
                return super().full_dispatch_request()

            def handle_user_exception(self, e: Exception) -> Any:
                return super().handle_user_exception(e)

            def process_response(self, response: Any) -> Any:  # type: ignore[override]
                return super().process_response(response)

            def do_teardown_appcontext(self, exc: Any = None) -> None:  # type: ignore[override]
                super().do_teardown_appcontext(exc)

    return App


def with_the_context_first() -> type[AsyncFlask]:
    class App(AsyncFlask):
        def full_dispatch_request(self, ctx: AppContext) -> Any:  # type: ignore[override]
            return super().full_dispatch_request(ctx)  # type: ignore[call-arg]

        def handle_user_exception(self, ctx: AppContext, e: Exception) -> Any:  # type: ignore[override]
            return super().handle_user_exception(ctx, e)  # type: ignore[call-arg,arg-type]

        def process_response(self, ctx: AppContext, response: Any) -> Any:  # type: ignore[override]
            return super().process_response(ctx, response)

        def do_teardown_appcontext(self, ctx: AppContext, exc: Any = None) -> None:  # type: ignore[override]
            super().do_teardown_appcontext(ctx, exc)

    return App


@pytest.mark.parametrize("made", [with_old_signatures, *[with_the_context_first] * CONTEXTS_ARE_ONE])
def test_commit_that_fails_in_an_app_of_a_class_of_its_own(
    databases: Databases,
    ask: Ask,
    orphaning: AsyncFlask,
    closed: list[Session],
    made: Callable[[], type[AsyncFlask]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("full_dispatch_request", "handle_user_exception", "process_response", "do_teardown_appcontext"):
        monkeypatch.setattr(Flask, name, getattr(Flask, name))  # Flask 3.2 wraps them, too, for all apps of the process
    orphaning.__class__ = made()

    @orphaning.errorhandler(IntegrityError)
    def conflict(error: IntegrityError) -> ResponseReturnValue:
        return "conflict", 409

    assert ask(orphaning, "/", "POST")[::2] == (409, b"conflict")
    assert ask(orphaning, "/fine", "POST").status == 200
    assert (databases.count(), databases.count(Pet)) == (1, 0)
    assert len(closed) == len({*closed}) == 2


def test_error_handlers_500_is_called_for_a_commit_that_fails(ask: Ask, orphaning: AsyncFlask) -> None:
    @orphaning.errorhandler(500)
    def failed(error: Any) -> ResponseReturnValue:
        return type(error.original_exception).__name__, 500

    assert ask(orphaning, "/", "POST")[::2] == (500, b"IntegrityError")


def test_answer_to_a_failed_commit_passes_the_after_request_functions_and_has_one_session_cookie(
    ask: Ask, orphaning: AsyncFlask
) -> None:
    @orphaning.errorhandler(IntegrityError)
    def conflict(error: IntegrityError) -> ResponseReturnValue:
        session["of"] = "the handler"
        return "conflict", 409

    @orphaning.before_request
    def use_the_session() -> None:
        session["of"] = "the view"

    @orphaning.after_request
    async def mark(response: Any) -> Any:
        response.headers.add("X-After", str(response.status_code))
        return response

    answer = ask(orphaning, "/", "POST")
    assert (answer.status, answer.body) == (409, b"conflict")
    assert answer.all("X-After") == ["409"]
    (cookie,) = answer.all("Set-Cookie")
    serializer = orphaning.session_interface.get_signing_serializer(orphaning)  # type: ignore[attr-defined]
    assert serializer.loads(cookie.removeprefix("session=").partition(";")[0]) == {"of": "the handler"}


def test_session_of_an_after_request_function_is_committed_too(databases: Databases, ask: Ask) -> None:
    app = databases.app()

    @app.get("/")
    def view() -> str:
        return ""

    @app.after_request
    async def add(response: Any) -> Any:
        main(app).add(Owner(name="late"))
        await main(app).flush()
        return response

    assert ask(app, "/").status == 200
    assert databases.count() == 1


def test_no_bind_is_committed_when_the_flush_of_another_fails(databases: Databases, ask: Ask, closed: list[Session]) -> None:
    app = databases.app()

    @app.post("/<name>")
    async def add(name: str) -> str:
        main(app).add(Owner(name=name))
        second(app).add(Note(name="the same"))
        return "added"

    @app.errorhandler(IntegrityError)
    def conflict(_: IntegrityError) -> ResponseReturnValue:
        return "conflict", 409

    assert [ask(app, f"/{name}", "POST").status for name in ("kept", "not kept")] == [200, 409]
    assert (databases.count(), databases.count(Note)) == (1, 1)
    assert len(closed) == len({*closed}) == 4
