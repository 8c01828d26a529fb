"""Services: what views do with the databases, on the session of the current request."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar
from uuid import UUID

from advanced_alchemy.base import UUIDv7AuditBase
from advanced_alchemy.exceptions import NotFoundError
from advanced_alchemy.extensions.flask import FlaskServiceMixin
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from advanced_alchemy.service import SQLAlchemyAsyncRepositoryService, schema_dump
from flask import Response, current_app, request, url_for
from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from catalog import limits
from catalog.models import ACTIVITY_BIND, DEFAULT_BIND, Activity, Author, Book, Tag
from catalog.problems import InvalidBody
from catalog.queries import Query, parse
from catalog.schemas import ActivityRead, AuthorRead, BookCreate, BookRead, KeyPage, Page, TagRead
from catalog.statements import ACTIVITY_VIEW, AUTHOR_VIEW, BOOK_VIEW, TAG_VIEW, View, one, page, read_page
from catalog.tagging import insert_missing

from .config import alchemy
from .driver import unique_tag

ModelT = TypeVar("ModelT", bound=UUIDv7AuditBase)


class CatalogService(
    SQLAlchemyAsyncRepositoryService[ModelT, SQLAlchemyAsyncRepository[ModelT]], FlaskServiceMixin, Generic[ModelT]
):
    """What all services share: a session of the right bind and mode, lists, and answers made of schemas."""

    bind: ClassVar[str] = DEFAULT_BIND
    view: ClassVar[View]
    schema: ClassVar[type[Struct]]
    count_with_window_function = False  # on a page after the last, the window has no row to carry the count

    @classmethod
    def open(cls, *, read_only: bool = False) -> Self:
        """Return the service on the session of the current request."""
        return cls(
            session=alchemy().get_session(cls.bind, read_only=read_only),
            auto_commit=_commits_itself(),
            auto_refresh=False,
        )

    async def answer_one(self, item_id: UUID) -> Response:
        """Answer with the item that has this key.

        Raises:
            NotFoundError: There is none.
        """
        rows = (await self.repository.session.execute(one(self.view), {"id": item_id})).all()
        if not rows:
            raise NotFoundError
        return self.jsonify(*self.view.read(rows))

    async def answer_list(self) -> Response:
        """Answer with the page that the query string asks for."""
        return self.jsonify(await self.page(parse(self.view.resource, request.args)))

    async def page(self, query: Query) -> Page[Any] | KeyPage[Any]:
        """Return the page that is asked for."""
        statement, values = page(self.view, query)
        rows = (await self.repository.session.execute(statement, values)).all()
        return read_page(self.view, query, rows)

    def answer(self, item: ModelT) -> Response:
        """Answer with one item."""
        return self.jsonify(self.to_schema(item, schema_type=self.schema))

    def answer_created(self, item: ModelT, endpoint: str) -> Response:
        """Answer with a new item and where it is: 201 and `Location`."""
        response = self.answer(item)
        response.status_code = 201
        response.location = url_for(endpoint, item_id=item.id)
        return response


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


class TagService(CatalogService[Tag]):
    """Tags."""

    class Repository(SQLAlchemyAsyncRepository[Tag]):
        """Tags in the database."""

        model_type = Tag

    repository_type = Repository
    view = TAG_VIEW
    schema = TagRead


class BookService(CatalogService[Book]):
    """Books, always with their author's name and their tags."""

    class Repository(SQLAlchemyAsyncRepository[Book]):
        """Books in the database."""

        model_type = Book

    repository_type = Repository
    view = BOOK_VIEW
    schema = BookRead
    loader_options = [
        joinedload(Book.author).load_only(Author.name),
        selectinload(Book.tags).load_only(Tag.name),
    ]

    async def make(self, data: Sequence[BookCreate]) -> list[Book]:
        """Return new books with their tags, which are found by name or made.

        Raises:
            InvalidBody: They have too many different tags.
        """
        names = {name for book in data for name in book.tags}
        if len(names) > limits.TAGS_PER_BULK:
            raise InvalidBody("", f"There are {len(names)} different tags; at most {limits.TAGS_PER_BULK} are allowed at once")
        tags = await self._tags(names)
        return [Book(**_with_tags(schema_dump(book), tags)) for book in data]

    async def to_model_on_create(self, data: Any) -> Any:
        """Make a new book with what its answer shows; an unknown author is left to the commit to refuse."""
        if isinstance(data, Book):
            return data
        [book] = await self.make([data])
        set_committed_value(book, "author", await self._author(book.author_id))
        return book

    async def to_model_on_update(self, data: Any) -> Any:
        """Replace the tags and the author that the answer shows, if they are to change."""
        fields = schema_dump(data)
        fields = _with_tags(fields, await self._tags(fields.get("tags", [])))
        author = await self._author(fields["author_id"]) if "author_id" in fields else None
        return {**fields, "author": author} if author else fields

    async def _tags(self, names: Iterable[str]) -> dict[str, Tag]:
        session = self.repository.session
        tags = {name: await unique_tag(session, name=name) for name in names}
        missing = [name for name, tag in tags.items() if tag in session.new]
        if missing:
            for name in missing:
                session.expunge(tags[name])
            await session.execute(insert_missing(missing, session.get_bind().dialect.name))
            made = await session.scalars(select(Tag).where(Tag.name.in_(missing)))
            tags.update({tag.name: tag for tag in made})
        return tags

    async def _author(self, author_id: UUID) -> Author | None:
        return await self.repository.session.get(Author, author_id)


def _with_tags(fields: dict[str, Any], tags: Mapping[str, Tag]) -> dict[str, Any]:
    """Return `fields` with tags in place of their names, in the order in which they are shown."""
    if "tags" not in fields:
        return fields
    return {**fields, "tags": sorted((tags[name] for name in fields["tags"]), key=lambda tag: tag.sort_key)}


class ActivityService(CatalogService[Activity]):
    """The log of writes, in a database of its own."""

    class Repository(SQLAlchemyAsyncRepository[Activity]):
        """The log in the database."""

        model_type = Activity

    repository_type = Repository
    bind = ACTIVITY_BIND
    view = ACTIVITY_VIEW
    schema = ActivityRead


async def record(action: str, kind: str, subject_id: UUID | None, detail: str) -> None:
    """Add a write to the log. It is kept if the request's own write is: the log is committed after it."""
    await ActivityService.open().create(Activity(action=action, kind=kind, subject_id=subject_id, detail=detail))
