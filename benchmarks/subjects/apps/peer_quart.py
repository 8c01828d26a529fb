"""The catalogue on Quart, as short as it can be."""

from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
from quart import Quart, Response, request

from app_async.overview import overview
from benchmarks.subjects.apps import COLLECTIONS_PATH, TOKEN_PATH, collected, note_collections, token
from benchmarks.subjects.apps.peers import ERRORS, PeerDatabases, body, problem
from catalog import limits
from catalog.queries import BOOKS, parse
from catalog.schemas import BookCreate, BookUpdate


def create(config: Mapping[str, Any] | None = None) -> Quart:
    """The app, set up by `CATALOG_*` variables and `config`."""
    app, databases = Quart("peer_quart"), PeerDatabases(config)
    app.config["MAX_CONTENT_LENGTH"] = limits.BODY_BYTES
    reading, writing = asynccontextmanager(databases.reading), asynccontextmanager(databases.writing)

    @app.get("/noop")
    async def noop() -> str:
        return ""

    @app.get("/books/<uuid:item_id>")
    async def read_book(item_id: UUID) -> Response:
        async with reading() as books:
            return _json(await books.show(item_id))

    @app.get("/books")
    async def list_books() -> Response:
        async with reading() as books:
            return _json(await books.page(parse(BOOKS, request.args)))

    @app.post("/books")
    async def create_book() -> Response:
        data = body(BookCreate, request.content_type, await request.get_data(True, False, False))
        async with writing() as (books, log):
            book = await books.add(data)
            await log.record("created", "book", book.id, book.title)
        return _json(book, 201, {"Location": f"/books/{book.id}"})

    @app.patch("/books/<uuid:item_id>")
    async def update_book(item_id: UUID) -> Response:
        data = body(BookUpdate, request.content_type, await request.get_data(True, False, False))
        async with writing() as (books, log):
            book = await books.change(item_id, data)
            await log.record("updated", "book", book.id, book.title)
        return _json(books.shown(book))

    @app.get("/reports/overview")
    async def show_overview() -> Response:
        return _json(await overview(databases.new_session))

    @app.get("/slow")
    async def slow() -> dict[str, int]:
        return await databases.wait(request.args.get("ms", 0, type=int))

    for error in ERRORS:
        app.register_error_handler(error, problem)
    app.add_url_rule(TOKEN_PATH, view_func=token)
    app.add_url_rule(COLLECTIONS_PATH, view_func=collected)
    app.after_serving(databases.close)
    note_collections()
    return app


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, headers, content_type="application/json")
