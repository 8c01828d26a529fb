"""What goes in and comes out of the API: msgspec Structs, separate for create, update and read.

Input is strict: unknown fields are refused, every field is bounded, text is stripped and may not be blank. A field that an
update leaves out stays as it is (``UNSET``); ``null`` empties it, where it may be empty.
"""

from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from catalog import limits

Name = Annotated[str, Meta(min_length=1, max_length=limits.NAME)]
TagName = Annotated[str, Meta(min_length=1, max_length=limits.TAG_NAME)]
Title = Annotated[str, Meta(min_length=1, max_length=limits.TITLE)]
Country = Annotated[str, Meta(pattern=limits.COUNTRY_PATTERN)]
Language = Annotated[str, Meta(pattern=limits.LANGUAGE_PATTERN)]
Isbn = Annotated[str, Meta(pattern=limits.ISBN_PATTERN)]
Text = Annotated[str, Meta(min_length=1, max_length=limits.TEXT)]
Year = Annotated[int, Meta(ge=limits.FIRST_YEAR, le=limits.LAST_YEAR)]
Pages = Annotated[int, Meta(ge=1, le=limits.PAGES)]
TagNames = Annotated[list[TagName], Meta(max_length=limits.TAGS_PER_BOOK)]

T = TypeVar("T")


def clean(field: str, text: str) -> str:
    """Return `text` without white space around it.

    Raises:
        ValueError: Nothing is left, or there is a character that databases do not store.
    """
    if "\0" in text:
        raise ValueError(f"Field `{field}` must not contain the character U+0000")
    if not (stripped := text.strip()):
        raise ValueError(f"Field `{field}` must not be blank")
    return stripped


class _Input(Struct, forbid_unknown_fields=True):
    def __post_init__(self) -> None:
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if isinstance(value, str):
                setattr(self, field, clean(field, value))
            elif isinstance(value, list):
                setattr(self, field, list(dict.fromkeys(clean(field, item) for item in value)))


class _Lifetime(_Input):
    def __post_init__(self) -> None:
        super().__post_init__()
        born, died = getattr(self, "born", None), getattr(self, "died", None)
        if isinstance(born, int) and isinstance(died, int) and died < born:
            raise ValueError("Field `died` must not be before `born`")


class AuthorCreate(_Lifetime):
    """A new author; only the name is required."""

    name: Name
    born: Year | None = None
    died: Year | None = None
    country: Country | None = None
    biography: Text | None = None


class AuthorUpdate(_Lifetime):
    """Changes to an author."""

    name: Name | UnsetType = UNSET
    born: Year | UnsetType | None = UNSET
    died: Year | UnsetType | None = UNSET
    country: Country | UnsetType | None = UNSET
    biography: Text | UnsetType | None = UNSET


class BookCreate(_Input):
    """A new book; tags are given by name and made where they do not exist."""

    title: Title
    author_id: UUID
    published: Year | None = None
    language: Language | None = None
    pages: Pages | None = None
    isbn: Isbn | None = None
    summary: Text | None = None
    tags: TagNames = []


class BookUpdate(_Input):
    """Changes to a book; `tags` replaces them all."""

    title: Title | UnsetType = UNSET
    author_id: UUID | UnsetType = UNSET
    published: Year | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    pages: Pages | UnsetType | None = UNSET
    isbn: Isbn | UnsetType | None = UNSET
    summary: Text | UnsetType | None = UNSET
    tags: TagNames | UnsetType = UNSET


BookBulk = Annotated[list[BookCreate], Meta(min_length=1, max_length=limits.BOOKS_PER_BULK)]


class TagCreate(_Input):
    """A new tag."""

    name: TagName
    description: Text | None = None


class TagUpdate(_Input):
    """Changes to a tag."""

    name: TagName | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET


class _Read(Struct):
    id: UUID
    created_at: datetime
    updated_at: datetime


class AuthorRead(_Read):
    """An author as the API shows it."""

    name: str
    born: int | None
    died: int | None
    country: str | None
    biography: str | None


class AuthorRef(Struct):
    """An author inside a book."""

    id: UUID
    name: str


class TagRef(Struct):
    """A tag inside a book."""

    id: UUID
    name: str


class BookRead(_Read):
    """A book as the API shows it; `author` is missing only in an answer that a failing commit withholds."""

    title: str
    author: AuthorRef | None
    published: int | None
    language: str | None
    pages: int | None
    isbn: str | None
    summary: str | None
    tags: list[TagRef]


class TagRead(_Read):
    """A tag as the API shows it."""

    name: str
    description: str | None


class ActivityRead(Struct):
    """One write to the catalogue as the API shows it."""

    id: UUID
    created_at: datetime
    action: str
    kind: str
    subject_id: UUID | None
    detail: str | None


class Page(Struct, Generic[T]):
    """One page by offset; `total` counts all matches."""

    items: list[T]
    total: int
    page: int
    page_size: int


class KeyPage(Struct, Generic[T]):
    """One page by key; `next` is what to send as `after` for the next page, null at the end."""

    items: list[T]
    next: UUID | None
