"""The catalogue on FastAPI, as short as it can be."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException
from werkzeug.datastructures import MultiDict

from app_async.overview import overview
from app_async.services import BookService
from benchmarks.subjects.apps import COLLECTIONS_PATH, TOKEN_PATH, collected, note_collections, token
from benchmarks.subjects.apps.peers import ERRORS, PeerDatabases, Writing, body, problem
from catalog.queries import BOOKS, parse
from catalog.schemas import BookCreate, BookUpdate


def create(config: Mapping[str, Any] | None = None) -> FastAPI:
    """The app, set up by `CATALOG_*` variables and `config`."""
    databases = PeerDatabases(config)
    Books = Annotated[BookService, Depends(databases.reading)]  # noqa: N806 - a type
    Written = Annotated[Writing, Depends(databases.writing)]  # noqa: N806

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await databases.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/noop")
    async def noop() -> Response:
        return Response()

    @app.get("/books/{item_id:uuid}")
    async def read_book(item_id: UUID, books: Books) -> Response:
        return _json(await books.show(item_id))

    @app.get("/books")
    async def list_books(request: Request, books: Books) -> Response:
        return _json(await books.page(parse(BOOKS, MultiDict(request.query_params.multi_items()))))

    @app.post("/books")
    async def create_book(request: Request, written: Written) -> Response:
        book = await written.books.add(body(BookCreate, request.headers.get("content-type"), await request.body()))
        await written.log.record("created", "book", book.id, book.title)
        return _json(book, 201, {"Location": f"/books/{book.id}"})

    @app.patch("/books/{item_id:uuid}")
    async def update_book(item_id: UUID, request: Request, written: Written) -> Response:
        data = body(BookUpdate, request.headers.get("content-type"), await request.body())
        book = await written.books.change(item_id, data)
        await written.log.record("updated", "book", book.id, book.title)
        return _json(written.books.shown(book))

    @app.get("/reports/overview")
    async def show_overview() -> Response:
        return _json(await overview(databases.new_session))

    @app.get("/slow")
    async def slow(ms: int = 0) -> Response:
        return _json(await databases.wait(ms))

    for error in (*ERRORS, HTTPException):
        app.add_exception_handler(error, _problem)
    app.add_api_route(TOKEN_PATH, lambda: Response(token()))
    app.add_api_route(COLLECTIONS_PATH, collected)
    note_collections()
    return app


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")


async def _problem(_: Request, error: Exception) -> Response:
    return Response(*problem(error))
