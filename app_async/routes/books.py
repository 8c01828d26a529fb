"""Books: list, create, read, update, delete, create many, export all."""

from collections.abc import AsyncGenerator
from typing import cast
from uuid import UUID

import msgspec
from flask import Blueprint, Response
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.bodies import read_body
from catalog.queries import BOOKS, Query
from catalog.schemas import BookBulk, BookCreate, BookRead, BookUpdate, KeyPage
from flask_oneloop import AdvancedAlchemy, stream

from ..config import alchemy
from ..services import BookService, record

EXPORT_BATCH = 200
ENCODER = msgspec.json.Encoder()

books = Blueprint("books", __name__, url_prefix="/books")


@books.get("")
async def list_books() -> Response:
    """Answer with a page of books."""
    return await BookService.open(read_only=True).answer_list()


@books.post("")
async def create_book() -> Response:
    """Add a book."""
    service = BookService.open()
    book = await service.add(read_body(BookCreate))
    await record("created", "book", book.id, book.title)
    return service.answer_created(book, "books.read_book")


@books.post("/bulk")
async def create_books() -> Response:
    """Add many books, all or none."""
    service = BookService.open()
    made = await service.add_many(read_body(BookBulk))
    await record("created", "book", None, f"{len(made)} books")
    return service.jsonify({"count": len(made), "ids": made}, status_code=201)


@books.get("/<uuid:item_id>")
async def read_book(item_id: UUID) -> Response:
    """Answer with one book."""
    return await BookService.open(read_only=True).answer_one(item_id)


@books.patch("/<uuid:item_id>")
async def update_book(item_id: UUID) -> Response:
    """Change the fields that are given."""
    service = BookService.open()
    book = await service.change(item_id, read_body(BookUpdate))
    await record("updated", "book", book.id, book.title)
    return service.answer(book)


@books.delete("/<uuid:item_id>")
async def delete_book(item_id: UUID) -> tuple[str, int]:
    """Delete a book."""
    book = await BookService.open().delete(item_id)
    await record("deleted", "book", book.id, book.title)
    return "", 204


@books.get("/export")
async def export_books() -> Response:
    """Answer with all books, one JSON object a line, in the order of their keys."""
    database = alchemy()
    first = await _batch(database, None)  # before the answer begins, so that an error can still be a problem
    return Response(stream(_lines(database, first)), mimetype="application/x-ndjson")


async def _lines(database: AdvancedAlchemy[AsyncSession], batch: KeyPage[BookRead]) -> AsyncGenerator[bytes, None]:
    """Yield one chunk of lines per batch, starting with `batch`; holds no connection while the client reads."""
    while batch.items:
        yield ENCODER.encode_lines(batch.items)
        batch = await _batch(database, batch.next) if batch.next else KeyPage([], None)


async def _batch(database: AdvancedAlchemy[AsyncSession], after: UUID | None) -> KeyPage[BookRead]:
    query = Query(BOOKS, {"after": after} if after else {}, EXPORT_BATCH)
    async with database.new_session(read_only=True) as session:
        return cast("KeyPage[BookRead]", await BookService(session).page(query))
