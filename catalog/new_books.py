"""The statements that add books, each made once and executed for one book as for a thousand, and their parameters.

No entities are made: what a new book refers to is looked up in one round trip, and its rows are inserted as they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec
from advanced_alchemy.types import GUID
from sqlalchemy import String, Table, bindparam, insert, literal, select, union_all

from catalog.folding import fold
from catalog.models import Activity, Author, Book, Tag, book_tag
from catalog.schemas import AuthorRef, BookCreate, BookRead, TagRef

_author, _book, _tag, _activity = (cast("Table", model.__table__) for model in (Author, Book, Tag, Activity))

ADD_BOOKS = insert(_book)
ADD_LINKS = insert(book_tag)
ADD_ACTIVITY = insert(_activity)
REFERRED = union_all(
    select(_author.c.id, _author.c.name, literal(None, String).label("sort_key")).where(
        _author.c.id == bindparam("author_id", type_=GUID())
    ),
    select(_tag.c.id, _tag.c.name, _tag.c.sort_key).where(_tag.c.name.in_(bindparam("names", expanding=True))),
)
"""The author whose key is `author_id`, who has no `sort_key` here, and the tags of these `names`; not all of them may exist."""

_DEFAULTS = {name: cast("Any", _book.c[name].default).arg for name in ("id", "created_at", "updated_at")}

Row = dict[str, Any]
Tags = Mapping[str, tuple[str, TagRef]]
"""By name: the sort key, and the tag as it is shown."""


def read_referred(rows: Iterable[Any]) -> tuple[AuthorRef | None, dict[str, tuple[str, TagRef]]]:
    """Return what `REFERRED` has found."""
    author, tags = None, {}
    for key, name, sort_key in rows:
        if sort_key is None:
            author = AuthorRef(key, name)
        else:
            tags[name] = (sort_key, TagRef(key, name))
    return author, tags


def new_book(data: BookCreate) -> Row:
    """Return the row of a new book, with a key and times as its columns' defaults make them."""
    row = msgspec.structs.asdict(data)
    del row["tags"]
    return {**{name: default(None) for name, default in _DEFAULTS.items()}, **row, "sort_key": fold(data.title)}


def links(rows: Sequence[Row], data: Sequence[BookCreate], tags: Tags) -> list[Row]:
    """Return the rows that give the books of `rows` their tags."""
    return [
        {"book_id": row["id"], "tag_id": tags[name][1].id} for row, book in zip(rows, data, strict=True) for name in book.tags
    ]


def shown(row: Row, author: AuthorRef | None, names: Iterable[str], tags: Tags) -> BookRead:
    """Return the book of `row` as it is shown, its tags in order."""
    in_order = sorted((tags[name] for name in names), key=lambda tag: (tag[0], tag[1].id))
    fields = {name: row[name] for name in BookRead.__struct_fields__ if name in row}
    return BookRead(**fields, author=author, tags=[tag for _, tag in in_order])
