"""Sessions outside a server: opened in a request's or an application's context and closed with it; what `jsonify` writes."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import select
from sqlalchemy.exc import InvalidRequestError

from app_async.services import AuthorService as AsyncAuthors
from app_async.services import BookService as AsyncBooks
from app_sync.services import AuthorService as SyncAuthors
from app_sync.services import BookService as SyncBooks
from catalog.models import Author
from catalog.schemas import AuthorRead

from .serving import FACTORIES
from .stores import Backend, Store, Stores, close_connections

Apps = tuple[str, Any, Store]


@pytest.fixture(params=["sync", "loop"])
def app(request: pytest.FixtureRequest, backend: Backend, stores: Stores) -> Iterator[Any]:
    store = stores.shared(backend, to_write=True)
    app = FACTORIES[request.param](store.settings())
    yield app
    assert checked_out(app) == 0
    close_connections(app)
    store.restore()


def extension(app: Any) -> Any:
    return app.extensions["advanced_alchemy"]


def checked_out(app: Any) -> int:
    return sum(config.get_engine().pool.checkedout() for config in extension(app).config)


def run(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of the current app: a coroutine function on its loop."""
    return current_app.ensure_sync(function)(*arguments)


def contexts(app: Flask) -> list[Any]:
    return [app.app_context(), app.test_request_context("/")]


@pytest.mark.parametrize("which", [0, 1], ids=["application", "request"])
@pytest.mark.parametrize("read_only", [False, True])
def test_a_session_is_made_once_in_a_context_and_closed_with_it(app: Any, which: int, read_only: bool) -> None:
    sessions = []
    for _ in range(2):
        with contexts(app)[which]:
            session = extension(app).get_session(read_only=read_only)
            assert extension(app).get_session(read_only=read_only) is session
            assert extension(app).get_session("activity", read_only=read_only) is not session
            assert run(session.scalar, select(Author.name).where(Author.name == "Leo Tolstoy")) == "Leo Tolstoy"
            assert checked_out(app) == 1
            sessions.append(session)
        assert checked_out(app) == 0
        with app.app_context(), pytest.raises(InvalidRequestError):
            run(session.scalar, select(1))
    assert sessions[0] is not sessions[1]


def test_without_a_context_there_is_no_session(app: Any) -> None:
    with pytest.raises(RuntimeError, match="Working outside of application context"):
        extension(app).get_session()


@pytest.mark.parametrize("which", [0, 1], ids=["application", "request"])
def test_what_a_script_does_not_commit_is_rolled_back(app: Any, which: int) -> None:
    for commit in (False, True):
        with contexts(app)[which]:
            session = extension(app).get_session()
            session.add(Author(name="Scripted"))
            run(session.flush)
            if commit:
                run(session.commit)
        with app.app_context():
            found = run(extension(app).get_session().scalar, select(Author.name).where(Author.name == "Scripted"))
            assert (found == "Scripted") == commit


def test_a_session_of_ones_own(app: Any) -> None:
    def use_sync() -> str:
        with extension(app).new_session() as session:
            return str(session.scalar(select(Author.name).where(Author.name == "Leo Tolstoy")))

    async def use_async() -> str:
        async with extension(app).new_session() as one, extension(app).new_session(read_only=True) as two:
            query = select(Author.name).where(Author.name == "Leo Tolstoy")
            first, second = await asyncio.gather(one.scalar(query), two.scalar(query))
            assert first == second
            return str(first)

    with app.app_context():
        assert run(use_sync if app.name.startswith("app_sync") else use_async) == "Leo Tolstoy"
        assert checked_out(app) == 0


def test_jsonify_writes_schemas_and_nothing_of_the_models(app: Any) -> None:
    """`_sa_instance_state` and the sentinel column stay inside; keys and times are text."""
    authors, books = (SyncAuthors, SyncBooks) if app.name.startswith("app_sync") else (AsyncAuthors, AsyncBooks)
    with app.test_request_context("/"):
        service = authors.open(read_only=True)
        author = run(lambda: service.get_one(name="Leo Tolstoy")) if authors is SyncAuthors else run(_get_one, service)
        shown = service.answer(author).get_json()
        assert list(shown) == list(AuthorRead.__struct_fields__)
        assert shown["id"] == str(author.id)
        assert shown["created_at"].endswith("Z")
        page = run(books.open(read_only=True).answer_list).get_json()
        for text in (str(shown), str(page)):
            assert "_sa_instance_state" not in text
            assert "sa_orm_sentinel" not in text
            assert "sort_key" not in text


async def _get_one(service: Any) -> Any:
    return await service.get_one(name="Leo Tolstoy")
