"""Reads as Advanced Alchemy documents them: by a service's own methods, with a statement that is made for each request.

Their answers are those of `/books`, which are made by `catalog.statements`. They are kept to be measured beside them.
"""

from uuid import UUID

from flask import Blueprint, Response, request
from sqlalchemy.orm import joinedload, selectinload

from catalog.models import Author, Book, Tag
from catalog.queries import BOOKS, parse
from catalog.schemas import BookRead

from ..services import BookService

idiom = Blueprint("idiom", __name__, url_prefix="/idiom/books")


class DocumentedService(BookService):
    """Books, always with their author's name and their tags."""

    loader_options = [
        joinedload(Book.author).load_only(Author.name),
        selectinload(Book.tags).load_only(Tag.name),
    ]


@idiom.get("")
async def list_books() -> Response:
    """Answer with a page of books, by offset."""
    query = parse(BOOKS, request.args)
    service = DocumentedService.open(read_only=True)
    books, total = await service.get_many_and_count(*query.filters)
    return service.jsonify(query.offset_page(service.to_schema(books, schema_type=BookRead).items, total))


@idiom.get("/<uuid:item_id>")
async def read_book(item_id: UUID) -> Response:
    """Answer with one book."""
    service = DocumentedService.open(read_only=True)
    return service.jsonify(service.to_schema(await service.get(item_id), schema_type=BookRead))
