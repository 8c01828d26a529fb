"""Tags: list, create, read, update, delete."""

from uuid import UUID

from flask import Blueprint, Response

from catalog.bodies import read_body
from catalog.schemas import TagCreate, TagUpdate

from ..services import TagService, record

tags = Blueprint("tags", __name__, url_prefix="/tags")


@tags.get("")
async def list_tags() -> Response:
    """Answer with a page of tags."""
    return await TagService.open(read_only=True).answer_list()


@tags.post("")
async def create_tag() -> Response:
    """Add a tag."""
    service = TagService.open()
    tag = await service.create(read_body(TagCreate))
    await record("created", "tag", tag.id, tag.name)
    return service.answer_created(tag, "tags.read_tag")


@tags.get("/<uuid:item_id>")
async def read_tag(item_id: UUID) -> Response:
    """Answer with one tag."""
    return await TagService.open(read_only=True).answer_one(item_id)


@tags.patch("/<uuid:item_id>")
async def update_tag(item_id: UUID) -> Response:
    """Change the fields that are given."""
    service = TagService.open()
    tag = await service.change(item_id, read_body(TagUpdate))
    await record("updated", "tag", tag.id, tag.name)
    return service.answer(tag)


@tags.delete("/<uuid:item_id>")
async def delete_tag(item_id: UUID) -> tuple[str, int]:
    """Delete a tag; books lose it."""
    tag = await TagService.open().delete(item_id)
    await record("deleted", "tag", tag.id, tag.name)
    return "", 204
