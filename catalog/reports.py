"""The queries behind the reports; how they are run is up to each app."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Float, RowMapping, Select, case, cast, func, select

from catalog.models import ACTIVITY_BIND, DEFAULT_BIND, Activity, Author, Book, Tag, book_tag

TOP = 10


@dataclass(frozen=True)
class Report:
    """One query and the bind it runs on; `single` where it answers with one row."""

    name: str
    statement: Select[*tuple[Any, ...]]
    bind: str = DEFAULT_BIND
    single: bool = False

    def read(self, rows: Sequence[RowMapping]) -> Any:
        """Return the rows as JSON will show them."""
        return dict(rows[0]) if self.single else [dict(row) for row in rows]


def _century(year: Any) -> ColumnElement[int]:
    """1801-1900 is 19, 100-1 BC is -1; integer division truncates in PostgreSQL and SQLite alike."""
    return case((year > 0, (year + 99) // 100), else_=(year - 99) // 100)


_books = func.count(Book.id).label("books")
_tagged = func.count(book_tag.c.book_id).label("books")
_century_of_book = _century(Book.published).label("century")
_language = Book.language.label("language")

TAG_REPORT = Report(
    "tags",
    select(Tag.name, _tagged)
    .join(book_tag, book_tag.c.tag_id == Tag.id, isouter=True)
    .group_by(Tag.id, Tag.name, Tag.sort_key)
    .order_by(Tag.sort_key, Tag.id),
)

OVERVIEW = (
    Report("authors", select(func.count(Author.id).label("total")), single=True),
    Report("books", select(func.count(Book.id).label("total")), single=True),
    Report("tags", select(func.count(Tag.id).label("total")), single=True),
    Report(
        "pages",
        select(
            func.min(Book.pages).label("fewest"),
            func.max(Book.pages).label("most"),
            cast(func.round(func.avg(Book.pages)), Float).label("average"),
        ),
        single=True,
    ),
    Report(
        "centuries",
        select(_century_of_book, _books).where(Book.published.is_not(None)).group_by(_century_of_book).order_by(_century_of_book),
    ),
    Report(
        "languages",
        select(_language, _books)
        .where(Book.language.is_not(None))
        .group_by(Book.language)
        .order_by(_books.desc(), _language)
        .limit(TOP),
    ),
    Report(
        "prolific_authors",
        select(Author.name, _books)
        .join(Book, Book.author_id == Author.id)
        .group_by(Author.id, Author.name, Author.sort_key)
        .order_by(_books.desc(), Author.sort_key, Author.id)
        .limit(TOP),
    ),
    Report(
        "popular_tags",
        select(Tag.name, _tagged)
        .join(book_tag, book_tag.c.tag_id == Tag.id)
        .group_by(Tag.id, Tag.name, Tag.sort_key)
        .order_by(_tagged.desc(), Tag.sort_key, Tag.id)
        .limit(TOP),
    ),
    Report(
        "activity",
        select(Activity.action, Activity.kind, func.count(Activity.id).label("writes"))
        .group_by(Activity.action, Activity.kind)
        .order_by(Activity.action, Activity.kind),
        bind=ACTIVITY_BIND,
    ),
    Report(
        "latest_write",
        select(func.max(Activity.created_at).label("at")),
        bind=ACTIVITY_BIND,
        single=True,
    ),
)
