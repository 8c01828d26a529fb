"""The catalogue's tables: authors, books and tags on the default bind, an append-only log on the bind ``activity``.

Relationships point one way and never load by themselves (``lazy="raise"``): a query says what it wants. Text that is
searched and sorted by is stored a second time as a *sort key*, folded by :func:`catalog.folding.fold` and compared by code
point, so that search ignores case and accents and every database sorts alike.
"""

from collections.abc import Hashable
from typing import Any
from uuid import UUID

from advanced_alchemy.base import UUIDv7AuditBase, metadata_registry, orm_registry
from advanced_alchemy.mixins import UniqueMixin
from sqlalchemy import CheckConstraint, Column, ColumnElement, ForeignKey, Index, String, Table, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from catalog import limits
from catalog.folding import SORT_KEY_LENGTH, fold

DEFAULT_BIND = "default"
ACTIVITY_BIND = "activity"
SORT_KEY = String(SORT_KEY_LENGTH).with_variant(String(SORT_KEY_LENGTH, collation="C"), "postgresql")

# Advanced Alchemy 1.12: its Flask extension renames the unnamed bind to "default", and its commands then look up the
# metadata of that name, which is another, empty one: `database drop-all` drops nothing.
metadata_registry.set(DEFAULT_BIND, orm_registry.metadata)


class Author(UUIDv7AuditBase):
    """A person who wrote books; cannot be deleted while one of them is in the catalogue."""

    __table_args__ = (
        CheckConstraint("died >= born", name="lifetime"),
        Index("ix_author_sort_key", "sort_key", "id"),
        Index("ix_author_born", "born", "id"),
        Index("ix_author_created_at", "created_at", "id"),
    )

    name: Mapped[str] = mapped_column(String(limits.NAME), unique=True)
    sort_key: Mapped[str] = mapped_column(SORT_KEY)
    born: Mapped[int | None]
    died: Mapped[int | None]
    country: Mapped[str | None] = mapped_column(String(limits.COUNTRY))
    biography: Mapped[str | None] = mapped_column(Text)

    @validates("name")
    def _fold_name(self, _key: str, name: str) -> str:
        self.sort_key = fold(name)
        return name


# Indexed the other way round too: a tag's books are looked up as often as a book's tags.
book_tag = Table(
    "book_tag",
    orm_registry.metadata,
    Column("book_id", ForeignKey("book.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Tag(UniqueMixin, UUIDv7AuditBase):
    """A subject or genre; its name is its natural key."""

    __table_args__ = (
        Index("ix_tag_sort_key", "sort_key", "id"),
        Index("ix_tag_created_at", "created_at", "id"),
    )

    name: Mapped[str] = mapped_column(String(limits.TAG_NAME), unique=True)
    sort_key: Mapped[str] = mapped_column(SORT_KEY)
    description: Mapped[str | None] = mapped_column(Text)

    @validates("name")
    def _fold_name(self, _key: str, name: str) -> str:
        self.sort_key = fold(name)
        return name

    @classmethod
    def unique_hash(cls, name: str, **_: Any) -> Hashable:
        """Identify a tag by its name."""
        return name

    @classmethod
    def unique_filter(cls, name: str, **_: Any) -> ColumnElement[bool]:
        """Find a tag by its name."""
        return cls.name == name


class Book(UUIDv7AuditBase):
    """A work by one author.

    Its foreign key is checked at COMMIT: a book that names an unknown author is refused there and not before, which is
    the failing commit that a web application has to survive.
    """

    __table_args__ = (
        UniqueConstraint("author_id", "title"),
        Index("ix_book_sort_key", "sort_key", "id"),
        Index("ix_book_published", "published", "id"),
        Index("ix_book_pages", "pages", "id"),
        Index("ix_book_created_at", "created_at", "id"),
    )

    title: Mapped[str] = mapped_column(String(limits.TITLE))
    sort_key: Mapped[str] = mapped_column(SORT_KEY)
    author_id: Mapped[UUID] = mapped_column(ForeignKey("author.id", deferrable=True, initially="DEFERRED"))
    published: Mapped[int | None]
    language: Mapped[str | None] = mapped_column(String(limits.LANGUAGE))
    pages: Mapped[int | None]
    isbn: Mapped[str | None] = mapped_column(String(13), unique=True)
    summary: Mapped[str | None] = mapped_column(Text)

    author: Mapped[Author] = relationship(lazy="raise")
    tags: Mapped[list[Tag]] = relationship(
        secondary=book_tag, lazy="raise", passive_deletes=True, order_by=(Tag.sort_key, Tag.id)
    )

    @validates("title")
    def _fold_title(self, _key: str, title: str) -> str:
        self.sort_key = fold(title)
        return title


class Activity(UUIDv7AuditBase):
    """One write to the catalogue, kept in a database of its own; rows are added and never changed."""

    __bind_key__ = ACTIVITY_BIND
    __table_args__ = (
        Index("ix_activity_created_at", "created_at", "id"),
        Index("ix_activity_action", "action", "id"),
        Index("ix_activity_kind", "kind", "id"),
        Index("ix_activity_subject_id", "subject_id", "id"),
    )

    action: Mapped[str] = mapped_column(String(limits.ACTION))
    kind: Mapped[str] = mapped_column(String(limits.ACTION))
    subject_id: Mapped[UUID | None]
    detail: Mapped[str | None] = mapped_column(Text)
