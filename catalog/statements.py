"""The SELECTs of both apps, each made once and then executed with parameters, and how their rows become schemas.

SQLAlchemy compiles a statement once, but whoever makes a new one for each request pays for its tree, and for the key by which it
is found among the compiled ones. What is only shown needs no entity either: the statements select columns of tables, in one round
trip, and their rows become schemas as they are.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

from advanced_alchemy.filters import StatementFilter
from advanced_alchemy.types import GUID, DateTimeUTC
from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    DateTime,
    FromClause,
    Select,
    String,
    Uuid,
    bindparam,
    func,
    literal,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.types import TypeEngine

from catalog.models import Author, Book, Tag, book_tag
from catalog.queries import ACTIVITY, AUTHORS, BOOKS, TAGS, Filter, Query, Resource, contains
from catalog.schemas import ActivityRead, AuthorRead, AuthorRef, BookRead, KeyPage, Page, TagRead, TagRef
from catalog.trigrams import sieve

Rows = Sequence[Any]
PAGES = 256
"""So many statements for pages are kept, by the filters and the order that they have."""

NEAR = 2_000
"""So many items are looked through for a page by key before an index is asked: a word of many titles is found sooner so."""
Way = Literal["scan", "near", "index"]
"""How what is searched for is found: in all items, in the next `NEAR` ones, by the index of trigrams."""

_author, _book, _tag = Author.__table__, Book.__table__, Tag.__table__


@dataclass(frozen=True, eq=False)
class View:
    """How a resource is shown.

    `select(items, source)` selects from `source` what is shown of `items`, which have the columns of the resource's table; `read`
    makes schemas of the rows. An item with several rows has them in the `order` given.
    """

    resource: Resource
    select: Callable[[FromClause, FromClause], Select[Any]]
    read: Callable[[Rows], list[Any]]
    order: Sequence[ColumnElement[Any]] = ()

    @property
    def table(self) -> FromClause:
        """Where all items are."""
        return self.resource.model.__table__


_GIVEN: dict[type[Any], TypeEngine[Any]] = {GUID: Uuid(), DateTimeUTC: DateTime(timezone=True)}


def _shown(column: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """The column as `name`. PostgreSQL's drivers give keys and times as they should be: there no value is looked at again."""
    given = _GIVEN.get(type(column.type))
    return type_coerce(column, column.type.with_variant(given, "postgresql")).label(name) if given else column.label(name)


def _flat(resource: Resource, schema: type[Struct]) -> View:
    """Items that are shown with columns of their own table alone."""
    names = schema.__struct_fields__

    def read(rows: Rows) -> list[Struct]:
        return [schema(*row[: len(names)]) for row in rows]

    return View(
        resource, lambda items, source: select(*(_shown(items.c[name], name) for name in names)).select_from(source), read
    )


_OF_A_BOOK = ("id", "created_at", "updated_at", "title", "published", "language", "pages", "isbn", "summary")


def _select_books(books: FromClause, source: FromClause) -> Select[Any]:
    """A row for each tag of a book, in order, or one without."""
    return (
        select(
            *(_shown(books.c[name], name) for name in _OF_A_BOOK),
            _shown(_author.c.id, "author_id"),
            _shown(_author.c.name, "author_name"),
            _shown(_tag.c.id, "tag_id"),
            _shown(_tag.c.name, "tag_name"),
        )
        .select_from(source)
        .outerjoin(_author, _author.c.id == books.c.author_id)
        .outerjoin(book_tag, book_tag.c.book_id == books.c.id)
        .outerjoin(_tag, _tag.c.id == book_tag.c.tag_id)
    )


def _read_books(rows: Rows) -> list[BookRead]:
    books: dict[Any, BookRead] = {}
    for key, created, updated, title, published, language, pages, isbn, summary, author, name, tag, tag_name, *_ in rows:
        book = books.get(key)
        if book is None:
            shown = AuthorRef(author, name)
            book = books[key] = BookRead(key, created, updated, title, shown, published, language, pages, isbn, summary, [])
        if tag is not None:
            book.tags.append(TagRef(tag, tag_name))
    return list(books.values())


AUTHOR_VIEW = _flat(AUTHORS, AuthorRead)
BOOK_VIEW = View(BOOKS, _select_books, _read_books, (_tag.c.sort_key, _tag.c.id))
TAG_VIEW = _flat(TAGS, TagRead)
ACTIVITY_VIEW = _flat(ACTIVITY, ActivityRead)


@lru_cache
def one(view: View) -> Select[Any]:
    """The rows of the item whose key is the parameter `id`."""
    return view.select(view.table, view.table).where(view.table.c.id == bindparam("id")).order_by(*view.order)


def page_statements(view: View, query: Query) -> list[tuple[Select[Any], dict[str, Any]]]:
    """The statements that find the rows of the page that is asked for, and the parameters to execute them with.

    `read_page` reads the rows. There may be two for a page by key: the first is enough if it finds that another page follows.
    """
    pattern = sieve(query.values.get("search", "")) if view.resource.searches else ""
    values = {**query.values, "sieve": pattern, "limit": query.limit, "offset": query.offset}
    ways: list[Way] = ["scan"] if not pattern else ["near", "index"] if query.page is None else ["index"]
    return [(_page(view, tuple(query.values), query.order, way), values) for way in ways]


def read_page(view: View, query: Query, rows: Rows) -> Page[Any] | KeyPage[Any]:
    """Return what a statement of `page_statements` has found."""
    if query.page is None:
        return query.key_page(view.read(rows))
    return query.offset_page(view.read(rows) if rows[0].id else [], rows[0].total)


@lru_cache(PAGES)
def _page(view: View, filters: tuple[str, ...], order: str | None, way: Way) -> Select[Any]:
    """A page by key, or, where there is an `order`, by offset.

    The rows of that one have the `total` of all matches: one row, and null in its other columns, where the page is empty.
    """
    items = view.table
    conditions = [view.resource.condition(name, bindparam(name)) for name in filters if name != "search" or way == "scan"]
    if way != "scan":
        pattern: ColumnElement[Any] = bindparam("search")
        sifted = bindparam("sieve", type_=String())
        parts = [search(pattern, sifted) for search in view.resource.searches]
    if way == "near":
        conditions += [or_(contains(items)(pattern), *parts[1:]), _near(items, filters)]
    elif way == "index":  # a union: planners seldom take an index for each part of an OR
        items = union_all(*(_apply(select(items), items.c, [*conditions, part]) for part in parts)).subquery("found")
        conditions = []
    ordering = view.resource.order(order)
    matching = _apply(select(items), items.c, [*conditions, *ordering])
    found = matching.limit(bindparam("limit")).offset(bindparam("offset")).subquery("page")
    source: FromClause = found
    total: list[ColumnElement[int]] = []
    if order is not None:
        matches = _apply(select(func.count().label("total")).select_from(items), items.c, conditions).subquery("matches")
        source, total = matches.outerjoin(found, true()), [matches.c.total]
    return _apply(view.select(found, source).add_columns(*total), found.c, ordering).order_by(*view.order)


def _near(items: FromClause, filters: tuple[str, ...]) -> ColumnElement[bool]:
    """The first `NEAR` items, or, where there is an `after`, of those after it."""
    every = items.alias("every")
    keys = select(every.c.id).order_by(every.c.id).offset(NEAR - 1).limit(1)
    if "after" in filters:
        keys = keys.where(every.c.id > bindparam("after"))
    return items.c.id <= func.coalesce(keys.scalar_subquery(), literal(UUID(int=2**128 - 1), every.c.id.type))


def _apply(statement: Select[Any], columns: Any, filters: Iterable[Filter]) -> Select[Any]:
    """Apply filters to columns, which have for them the attributes of a model."""
    for one_filter in filters:
        if isinstance(one_filter, StatementFilter):
            statement = one_filter.append_to_statement(statement, columns)
        else:
            statement = statement.where(one_filter)
    return statement
