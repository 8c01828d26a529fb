"""The life of a request's sessions: made once, closed once, and not usable afterwards."""

import asyncio
from typing import Any

import pytest
from flask import g
from flask.typing import ResponseReturnValue
from sqlalchemy import event, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from tests.library.answers import wait_until
from tests.library.conftest import Ask, Closing
from tests.library.contexts import CONTEXTS_ARE_ONE
from tests.library.databases import Databases, Owner, engines, extension, main, second, select


def test_one_session_for_each_bind_and_request(databases: Databases, ask: Ask, closed: list[Session]) -> None:
    app = databases.app()

    @app.get("/")
    async def view() -> str:
        assert main(app) is main(app) is extension(app).get_async_session("main")
        assert len({main(app), main(app, read_only=True), second(app)}) == 3
        for one in (main(app), main(app, read_only=True), second(app)):
            await one.execute(text("SELECT 1"))
        return ""

    assert ask(app, "/").status == ask(app, "/").status == 200
    assert len(closed) == len({*closed}) == 6


def test_closed_session_cannot_be_used_again(databases: Databases, ask: Ask) -> None:
    """Else it would begin again, with a connection that nobody gives back."""
    app = databases.app()
    kept: list[AsyncSession] = []

    @app.get("/")
    async def view() -> str:
        kept.extend([main(app), main(app, read_only=True)])
        for one in kept:
            await one.execute(text("SELECT 1"))
        return ""

    @app.get("/use/<int:number>")
    async def use(number: int) -> str:
        with pytest.raises(InvalidRequestError, match="closed"):
            await kept[number].execute(text("SELECT 1"))
        return "refused"

    assert ask(app, "/").status == 200
    assert [ask(app, f"/use/{number}").text for number in range(2)] == ["refused"] * 2


def test_session_that_was_never_used_takes_no_connection(databases: Databases, ask: Ask, closed: list[Session]) -> None:
    app = databases.app()
    taken = []
    event.listen(engines(app)[0], "checkout", lambda *_: taken.append(1))

    @app.get("/")
    def view() -> str:
        main(app)
        return ""

    assert ask(app, "/").status == 200
    assert taken == []
    assert len(closed) == 1


def test_session_of_a_teardown_function_is_closed_and_not_committed(
    databases: Databases, ask: Ask, closed: list[Session]
) -> None:
    app = databases.app()

    @app.get("/")
    def view() -> str:
        return ""

    @app.teardown_request
    async def add(_: BaseException | None) -> None:
        main(app).add(Owner(name="too late"))
        await main(app).flush()

    assert ask(app, "/").status == 200
    assert databases.count() == 0
    assert len(closed) == 1


def test_read_only_session_refuses_to_flush(databases: Databases, ask: Ask) -> None:
    app = databases.app()

    @app.post("/add")
    async def add() -> str:
        main(app, read_only=True).add(Owner(name="a"))
        with pytest.raises(InvalidRequestError, match="read-only"):
            await main(app, read_only=True).flush()
        with pytest.raises(InvalidRequestError, match="read-only"):
            await main(app, read_only=True).scalar(text("SELECT count(*) FROM owner"))
        return ""

    @app.post("/change/<path:how>")
    async def change(how: str) -> str:
        owner = Owner(name="kept")
        main(app).add(owner)
        await main(app).commit()
        read = main(app, read_only=True)
        found = await read.get_one(Owner, owner.id)
        if how == "delete":
            await read.delete(found)
        else:
            found.name = "changed"
        with pytest.raises(InvalidRequestError, match="read-only"):
            await read.commit()
        await main(app).delete(owner)
        return ""

    for path in ("/add", "/change/name", "/change/delete"):
        assert ask(app, path, "POST").status == 200
    assert databases.count() == 0


def test_read_only_session_leaves_no_transaction_open_on_postgresql(on_postgres: Databases, ask: Ask) -> None:
    """Neither between two queries of the view, nor afterwards; an ordinary session does, between them."""
    app = on_postgres.app(pool_size=1)
    pid = "SELECT pg_backend_pid()"

    def state(backend: int) -> str:
        (found,) = select(on_postgres.main, f"SELECT state FROM pg_stat_activity WHERE pid = {backend}")
        return str(found)

    @app.get("/<path:kind>")
    async def view(kind: str) -> list[object]:
        db = main(app, read_only=kind == "read")
        backend = await db.scalar(text(pid))
        return [backend, state(backend), await db.scalar(text(pid)) == backend]

    for kind, between in (("read", "idle"), ("write", "idle in transaction"), ("read", "idle"), ("write", "idle in transaction")):
        backend, seen, same = ask(app, f"/{kind}").json
        assert (seen, same) == (between, True)
        assert state(backend) == "idle"


def test_isolation_of_a_write_is_not_changed_by_a_read_before_it(on_postgres: Databases, ask: Ask) -> None:
    """Both use the one connection of the pool: after a read in AUTOCOMMIT, a write can still be rolled back."""
    app = on_postgres.app(pool_size=1)

    @app.get("/")
    async def read() -> str:
        return str(await main(app, read_only=True).scalar(text("SELECT pg_backend_pid()")))

    @app.post("/")
    async def write_and_fail() -> ResponseReturnValue:
        await main(app).execute(text("INSERT INTO owner (id, name) VALUES (1, 'not kept')"))
        return str(await main(app).scalar(text("SELECT pg_backend_pid()"))), 400

    assert ask(app, "/").text == ask(app, "/", "POST").text == ask(app, "/").text
    assert on_postgres.count() == 0


def test_with_session_closes_and_forgets(databases: Databases, ask: Ask, closed: list[Session]) -> None:
    app = databases.app(pool_size=1)

    @app.post("/sync")
    def in_sync_view() -> str:
        with extension(app).with_session("main") as db:
            db.add(Owner(name="not committed"))
        assert "advanced_alchemy_session_main" not in g
        return str(len(closed))

    @app.post("/async/<path:ending>")
    async def in_coroutine(ending: str) -> str:
        for _ in range(3):  # more than the pool has
            with extension(app).with_session("main") as db:
                db.add(Owner(name="not committed"))
                await db.flush()
                if ending == "raise":
                    raise ValueError("in the block")
            assert "advanced_alchemy_session_main" not in g
        return str(await main(app).scalar(text("SELECT count(*) FROM owner")))

    assert ask(app, "/sync", "POST").text == "1"
    assert ask(app, "/async/raise", "POST").status == 500
    assert ask(app, "/async/return", "POST").text == "0"
    assert len(closed) == len({*closed}) == 6
    assert databases.count() == 0


def test_nested_context_of_a_coroutine_has_a_session_of_its_own(databases: Databases, ask: Ask, closed: list[Session]) -> None:
    app = databases.app()

    @app.post("/")
    async def view() -> str:
        outer = main(app)
        await outer.execute(text("SELECT 1"))
        with app.app_context():
            inner = main(app)
            assert inner is not outer
            await inner.execute(text("SELECT 1"))
        assert main(app) is outer
        outer.add(Owner(name="kept"))
        return ""

    assert ask(app, "/", "POST").status == 200
    assert len(closed) == len({*closed}) == 2
    assert databases.count() == 1


def test_background_task_outlives_its_request(databases: Databases, ask: Ask, closed: list[Session]) -> None:
    app = databases.app()
    tasks = []

    async def work(answered: asyncio.Event) -> None:
        await answered.wait()
        with app.app_context():
            main(app).add(Owner(name="of the task"))
            await main(app).commit()

    @app.post("/")
    async def start() -> str:
        answered = asyncio.Event()
        tasks.append((asyncio.create_task(work(answered)), answered))
        return ""

    @app.get("/")
    async def look() -> str:
        tasks[0][1].set()
        await asyncio.sleep(0.01)
        return ""

    assert ask(app, "/", "POST").status == 200
    assert databases.count() == 0
    wait_until(lambda: ask(app, "/").status == 200 and len(closed) == 1, "the end of the task's session")
    assert databases.count() == 1


def test_context_outside_a_request_closes_and_does_not_commit(
    databases: Databases, closing: Closing, closed: list[Session]
) -> None:
    """In a script, and in a command of the app."""
    app = closing(databases.app())

    async def add(name: str) -> None:
        main(app).add(Owner(name=name))
        await main(app).commit()
        main(app).add(Owner(name="not committed"))
        await main(app).flush()

    @app.cli.command("add")
    def command() -> None:
        app.portal.call(add, "of the command")

    with app.app_context():
        app.portal.call(add, "of the script")
    result = app.test_cli_runner().invoke(command)
    assert (result.exit_code, result.output) == (0, "")
    assert databases.count() == 2
    assert len(closed) == len({*closed}) == 2


def test_request_context_of_a_test_ends_its_sessions(databases: Databases, closing: Closing, closed: list[Session]) -> None:
    app = closing(databases.app())

    async def add(name: str) -> None:
        main(app).add(Owner(name=name))
        await main(app).flush()

    with app.test_request_context():
        app.portal.call(add, "not committed")
    with app.test_request_context() as context:
        app.portal.call(add, "kept")
        first: list[Any] = [context] if CONTEXTS_ARE_ONE else []
        app.process_response(*first, app.make_response("fine"))
    assert databases.count() == 1
    assert len(closed) == len({*closed}) == 2


def test_sessions_are_closed_though_a_teardown_function_raises(databases: Databases, closing: Closing) -> None:
    app = closing(databases.app())

    @app.teardown_appcontext
    def refuse(_: BaseException | None) -> None:
        raise LookupError

    with pytest.raises(ExceptionGroup if CONTEXTS_ARE_ONE else LookupError), app.app_context():
        app.portal.call(main(app).connection)
    assert engines(app)[0].pool.checkedout() == 0  # type: ignore[attr-defined]
