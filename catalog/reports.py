"""The queries behind the reports, made once; how they are run is up to each app."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Float, FromClause, Select, case, cast, func, select

from catalog.models import ACTIVITY_BIND, DEFAULT_BIND, Activity, Author, Book, Tag, book_tag

TOP = 10
Rows = Sequence[Any]

_author, _book, _tag, _activity = (model.__table__ for model in (Author, Book, Tag, Activity))


@dataclass(frozen=True)
class Report:
    """One query and the bind it runs on; `read` makes of its rows the parts of a report, by name, as JSON will show them."""

    statement: Select[*tuple[Any, ...]]
    read: Callable[[Rows], dict[str, Any]]
    bind: str = DEFAULT_BIND


def _table(part: str, statement: Select[*tuple[Any, ...]]) -> Report:
    """A report of one part, with an object for each row."""
    names = statement.selected_columns.keys()
    return Report(statement, lambda rows: {part: [dict(zip(names, row, strict=True)) for row in rows]})


def _century(year: Any) -> ColumnElement[int]:
    """1801-1900 is 19, 100-1 BC is -1; integer division truncates in PostgreSQL and SQLite alike."""
    return case((year > 0, (year + 99) // 100), else_=(year - 99) // 100)


def _count(column: ColumnElement[Any]) -> Any:
    """How many rows have each value of the column, as `books`."""
    return select(column, func.count().label("books")).group_by(column).subquery()


def _read_totals(rows: Rows) -> dict[str, Any]:
    [(authors, tags, books, fewest, most, average)] = rows
    pages = {"fewest": fewest, "most": most, "average": average}
    return {"authors": {"total": authors}, "books": {"total": books}, "tags": {"total": tags}, "pages": pages}


def _read_writes(rows: Rows) -> dict[str, Any]:
    return {
        "activity": [{"action": action, "kind": kind, "writes": writes} for action, kind, writes, _ in rows],
        "latest_write": {"at": max((latest for *_, latest in rows), default=None)},
    }


def _total(table: FromClause) -> Any:
    return select(func.count()).select_from(table).scalar_subquery()


_century_of_book = _century(_book.c.published).label("century")
_books = func.count().label("books")
_by_author, _by_tag = _count(_book.c.author_id), _count(book_tag.c.tag_id)

TAG_REPORT = _table(
    "items",
    select(_tag.c.name, func.coalesce(_by_tag.c.books, 0).label("books"))
    .outerjoin(_by_tag, _by_tag.c.tag_id == _tag.c.id)
    .order_by(_tag.c.sort_key, _tag.c.id),
)

OVERVIEW = (
    Report(
        select(
            _total(_author),
            _total(_tag),
            func.count(),
            func.min(_book.c.pages),
            func.max(_book.c.pages),
            cast(func.round(func.avg(_book.c.pages)), Float),
        ).select_from(_book),
        _read_totals,
    ),
    _table(
        "centuries",
        select(_century_of_book, _books)
        .where(_book.c.published.is_not(None))
        .group_by(_century_of_book)
        .order_by(_century_of_book),
    ),
    _table(
        "languages",
        select(_book.c.language, _books)
        .where(_book.c.language.is_not(None))
        .group_by(_book.c.language)
        .order_by(_books.desc(), _book.c.language)
        .limit(TOP),
    ),
    _table(
        "prolific_authors",
        select(_author.c.name, _by_author.c.books)
        .join(_by_author, _by_author.c.author_id == _author.c.id)
        .order_by(_by_author.c.books.desc(), _author.c.sort_key, _author.c.id)
        .limit(TOP),
    ),
    _table(
        "popular_tags",
        select(_tag.c.name, _by_tag.c.books)
        .join(_by_tag, _by_tag.c.tag_id == _tag.c.id)
        .order_by(_by_tag.c.books.desc(), _tag.c.sort_key, _tag.c.id)
        .limit(TOP),
    ),
    Report(
        select(_activity.c.action, _activity.c.kind, func.count(), func.max(_activity.c.created_at))
        .group_by(_activity.c.action, _activity.c.kind)
        .order_by(_activity.c.action, _activity.c.kind),
        _read_writes,
        ACTIVITY_BIND,
    ),
)
"""Independent of each other; together they have the parts of the overview."""


def in_order(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of the overview in the order in which it shows them."""
    return {name: parts[name] for name in ORDER}


ORDER = (
    *("authors", "books", "tags", "pages", "centuries", "languages"),
    *("prolific_authors", "popular_tags", "activity", "latest_write"),
)
