"""Authors: list, create, read, update, delete."""

from uuid import UUID

from flask import Blueprint, Response

from catalog.bodies import read_body
from catalog.schemas import AuthorCreate, AuthorUpdate

from ..services import AuthorService, record

authors = Blueprint("authors", __name__, url_prefix="/authors")


@authors.get("")
async def list_authors() -> Response:
    """Answer with a page of authors."""
    return await AuthorService.open(read_only=True).answer_list()


@authors.post("")
async def create_author() -> Response:
    """Add an author."""
    service = AuthorService.open()
    author = await service.create(read_body(AuthorCreate))
    await record("created", "author", author.id, author.name)
    return service.answer_created(author, "authors.read_author")


@authors.get("/<uuid:item_id>")
async def read_author(item_id: UUID) -> Response:
    """Answer with one author."""
    return await AuthorService.open(read_only=True).answer_one(item_id)


@authors.patch("/<uuid:item_id>")
async def update_author(item_id: UUID) -> Response:
    """Change the fields that are given."""
    service = AuthorService.open()
    author = await service.change(item_id, read_body(AuthorUpdate))
    await record("updated", "author", author.id, author.name)
    return service.answer(author)


@authors.delete("/<uuid:item_id>")
async def delete_author(item_id: UUID) -> tuple[str, int]:
    """Delete an author without books."""
    author = await AuthorService.open().delete(item_id)
    await record("deleted", "author", author.id, author.name)
    return "", 204
