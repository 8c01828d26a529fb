"""Services: what views do with the databases, on the session of the current request."""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar, cast
from uuid import UUID

import msgspec
from advanced_alchemy.base import UUIDv7AuditBase
from advanced_alchemy.exceptions import NotFoundError, wrap_sqlalchemy_exception
from advanced_alchemy.extensions.flask import FlaskServiceMixin
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from advanced_alchemy.service import SQLAlchemyAsyncRepositoryService, schema_dump
from flask import Response, current_app, request, url_for
from msgspec import Struct
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import contains_eager

from catalog import limits
from catalog.models import ACTIVITY_BIND, DEFAULT_BIND, Activity, Author, Book, Tag, book_tag
from catalog.new_books import ADD_ACTIVITY, ADD_BOOKS, ADD_LINKS, REFERRED, Row, Tags, links, new_book, read_referred, shown
from catalog.problems import InvalidBody
from catalog.queries import Query, parse
from catalog.schemas import ActivityRead, AuthorRead, AuthorRef, BookCreate, BookRead, KeyPage, Page, TagRead
from catalog.statements import ACTIVITY_VIEW, AUTHOR_VIEW, BOOK_VIEW, TAG_VIEW, View, one, page_statements, read_page
from catalog.tagging import insert_missing

from .config import alchemy

ModelT = TypeVar("ModelT", bound=UUIDv7AuditBase)


class CatalogService(
    SQLAlchemyAsyncRepositoryService[ModelT, SQLAlchemyAsyncRepository[ModelT]], FlaskServiceMixin, Generic[ModelT]
):
    """What all services share: a session of the right bind and mode, lists, and answers made of schemas."""

    bind: ClassVar[str] = DEFAULT_BIND
    view: ClassVar[View]
    schema: ClassVar[type[Struct]]
    entity: ClassVar[Select[Any]]
    """The item whose key is the parameter `id`, with all that is shown of it, to be changed."""
    count_with_window_function = False  # on a page after the last, the window has no row to carry the count

    @classmethod
    def open(cls, *, read_only: bool = False) -> Self:
        """Return the service on the session of the current request."""
        return cls(
            session=alchemy().get_session(cls.bind, read_only=read_only),
            auto_commit=_commits_itself(),
            auto_refresh=False,
        )

    async def show(self, item_id: UUID) -> Struct:
        """Return the item that has this key, as it is shown.

        Raises:
            NotFoundError: There is none.
        """
        rows = (await self.repository.session.execute(one(self.view), {"id": item_id})).all()
        if not rows:
            raise NotFoundError
        [item] = self.view.read(rows)
        return cast("Struct", item)

    async def answer_one(self, item_id: UUID) -> Response:
        """Answer with the item that has this key."""
        return _json(await self.show(item_id))

    async def answer_list(self) -> Response:
        """Answer with the page that the query string asks for."""
        return _json(await self.page(parse(self.view.resource, request.args)))

    async def page(self, query: Query) -> Page[Any] | KeyPage[Any]:
        """Return the page that is asked for."""
        for statement, values in page_statements(self.view, query):
            rows = (await self.repository.session.execute(statement, values)).all()
            found = read_page(self.view, query, rows)
            if isinstance(found, KeyPage) and found.next:
                break
        return found

    async def change(self, item_id: UUID, data: Struct) -> ModelT:
        """Change the fields that are given, and return the item.

        It is selected once and by a statement made once, where `update` selects it twice and merges the two.

        Raises:
            NotFoundError: There is none.
        """
        session = self.repository.session
        fields = schema_dump(await self.to_model_on_update(data))
        with wrap_sqlalchemy_exception():
            found = await session.execute(self.entity, {"id": item_id})
            item = self.repository.check_not_found(found.unique().scalar_one_or_none())
            for name, value in fields.items():
                setattr(item, name, value)
            await self.finish()
        return item

    async def finish(self) -> None:
        """End a write: commit where the extension will not."""
        session = self.repository.session
        await (session.commit() if self.repository.auto_commit else session.flush())

    def answer(self, item: ModelT | Struct) -> Response:
        """Answer with one item."""
        return _json(self.shown(item))

    def shown(self, item: ModelT | Struct) -> Struct:
        """Return the item as it is shown."""
        return msgspec.convert(item, self.schema, from_attributes=True)

    def answer_created(self, item: ModelT | BookRead, endpoint: str) -> Response:
        """Answer with a new item and where it is: 201 and `Location`."""
        response = self.answer(item)
        response.status_code = 201
        response.location = url_for(endpoint, item_id=item.id)
        return response


def _json(schema: Struct) -> Response:
    """Answer with it; `jsonify` would make a dictionary of it first."""
    return Response(msgspec.json.encode(schema), content_type="application/json")


def _commits_itself() -> bool:
    """Return whether a service commits each write: where the extension will not, at all or for the pages' redirects."""
    mode = current_app.config["COMMIT_MODE"]
    return mode == "manual" or (mode == "autocommit" and request.blueprint == "pages")


class AuthorService(CatalogService[Author]):
    """Authors."""

    class Repository(SQLAlchemyAsyncRepository[Author]):
        """Authors in the database."""

        model_type = Author

    repository_type = Repository
    view = AUTHOR_VIEW
    schema = AuthorRead
    entity = select(Author).where(Author.id == bindparam("id"))


class TagService(CatalogService[Tag]):
    """Tags."""

    class Repository(SQLAlchemyAsyncRepository[Tag]):
        """Tags in the database."""

        model_type = Tag

    repository_type = Repository
    view = TAG_VIEW
    schema = TagRead
    entity = select(Tag).where(Tag.id == bindparam("id"))


class BookService(CatalogService[Book]):
    """Books, always with their author's name and their tags."""

    class Repository(SQLAlchemyAsyncRepository[Book]):
        """Books in the database."""

        model_type = Book

    repository_type = Repository
    view = BOOK_VIEW
    schema = BookRead
    entity = (  # joined by hand: joinedload() puts the tags' join in parentheses, and SQLite then makes all of it
        select(Book)
        .outerjoin(Author, Author.id == Book.author_id)
        .outerjoin(book_tag, book_tag.c.book_id == Book.id)
        .outerjoin(Tag, Tag.id == book_tag.c.tag_id)
        .options(contains_eager(Book.author).load_only(Author.name), contains_eager(Book.tags).load_only(Tag.name))
        .where(Book.id == bindparam("id"))
        .order_by(Tag.sort_key, Tag.id)
    )

    async def add(self, data: BookCreate) -> BookRead:
        """Add a book with its tags, which are made if need be; an unknown author is left to the commit to refuse."""
        author, tags = await self._referred(data.author_id, data.tags)
        [row] = await self._insert([data], tags)
        return shown(row, author, data.tags, tags)

    async def add_many(self, data: Sequence[BookCreate]) -> list[UUID]:
        """Add books with their tags and return their keys.

        Raises:
            InvalidBody: They have too many different tags.
        """
        names = {name for book in data for name in book.tags}
        if len(names) > limits.TAGS_PER_BULK:
            raise InvalidBody("", f"There are {len(names)} different tags; at most {limits.TAGS_PER_BULK} are allowed at once")
        _, tags = await self._referred(None, names) if names else (None, {})
        return [row["id"] for row in await self._insert(data, tags)]

    async def _insert(self, data: Sequence[BookCreate], tags: Tags) -> list[Row]:
        session = self.repository.session
        rows = [new_book(book) for book in data]
        linked = links(rows, data, tags)
        with wrap_sqlalchemy_exception():
            await session.execute(ADD_BOOKS, rows)
            if linked:
                await session.execute(ADD_LINKS, linked)
            await self.finish()
        return rows

    async def to_model_on_update(self, data: Any) -> Any:
        """Replace the tags and the author that the answer shows, if they are to change."""
        session, fields = self.repository.session, schema_dump(data)
        if "tags" in fields:
            names = fields["tags"]
            await self._referred(None, names)
            tags = await session.scalars(select(Tag).where(Tag.name.in_(names)).order_by(Tag.sort_key, Tag.id))
            fields["tags"] = list(tags)
        author = await session.get(Author, fields["author_id"]) if "author_id" in fields else None
        return {**fields, "author": author} if author else fields

    async def _referred(self, author_id: UUID | None, names: Collection[str]) -> tuple[AuthorRef | None, Tags]:
        """Return the author, if there is one of this key, and the tags of these names, which are made if need be."""
        session, sought = self.repository.session, {"author_id": author_id, "names": list(names)}
        author, tags = read_referred(await session.execute(REFERRED, sought))
        if missing := [name for name in names if name not in tags]:
            await session.execute(insert_missing(missing, session.get_bind().dialect.name))
            author, tags = read_referred(await session.execute(REFERRED, sought))
        return author, tags


class ActivityService(CatalogService[Activity]):
    """The log of writes, in a database of its own."""

    class Repository(SQLAlchemyAsyncRepository[Activity]):
        """The log in the database."""

        model_type = Activity

    repository_type = Repository
    bind = ACTIVITY_BIND
    view = ACTIVITY_VIEW
    schema = ActivityRead

    async def record(self, action: str, kind: str, subject_id: UUID | None, detail: str) -> None:
        """Add a write."""
        row = {"action": action, "kind": kind, "subject_id": subject_id, "detail": detail}
        await self.repository.session.execute(ADD_ACTIVITY, row)
        await self.finish()


async def record(action: str, kind: str, subject_id: UUID | None, detail: str) -> None:
    """Add a write to the log. It is kept if the request's own write is: the log is committed after it."""
    await ActivityService.open().record(action, kind, subject_id, detail)
