"""Query parameters to Advanced Alchemy filters, for every list of the API.

A `Resource` is the table of what one list accepts. Anything else in the query string - an unknown name, a value that is
malformed or out of bounds, a single parameter given twice - is a `BadParameter`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar
from uuid import UUID

from advanced_alchemy.base import ModelProtocol
from advanced_alchemy.filters import (
    BeforeAfter,
    CollectionFilter,
    ComparisonFilter,
    ExistsFilter,
    FilterGroup,
    LimitOffset,
    OrderBy,
    SearchFilter,
    StatementFilter,
)
from sqlalchemy import or_, select
from werkzeug.datastructures import MultiDict

from catalog import limits
from catalog.models import Activity, Author, Book, Tag, book_tag, fold
from catalog.problems import BadParameter
from catalog.schemas import KeyPage, Page

T = TypeVar("T")


@dataclass(frozen=True)
class Parameter:
    """One filter: how its text is read (a `ValueError` says what is allowed) and what it becomes."""

    read: Callable[[str], Any]
    to_filter: Callable[[Any], StatementFilter]
    repeatable: bool = False


@dataclass(frozen=True)
class Resource:
    """What one list can be filtered and sorted by; `order_by` maps public names to columns."""

    model: type[ModelProtocol]
    filters: Mapping[str, Parameter]
    order_by: Mapping[str, str]
    default_order: str


@dataclass(frozen=True)
class Query:
    """One list request: filters with order and limit, and the kind of page that answers it.

    Shapes: `page` is None when paging by key; the filters then ask for one row more than `page_size`.
    """

    filters: list[StatementFilter]
    page_size: int
    page: int | None = None

    def offset_page(self, items: Sequence[T], total: int) -> Page[T]:
        """Return a page with the total."""
        return Page(items=list(items), total=total, page=self.page or 1, page_size=self.page_size)

    def key_page(self, items: Sequence[Any]) -> KeyPage[Any]:
        """Return a page with the key of the next one."""
        shown = list(items[: self.page_size])
        return KeyPage(items=shown, next=shown[-1].id if len(items) > self.page_size else None)


def integer(lowest: int, highest: int) -> Callable[[str], int]:
    """Read a decimal integer within bounds."""

    def read(text: str) -> int:
        if not re.fullmatch("-?[0-9]{1,10}", text) or not lowest <= int(text) <= highest:
            raise ValueError(f"an integer from {lowest} to {highest}")
        return int(text)

    return read


def words(longest: int) -> Callable[[str], str]:
    """Read text of a bounded length."""

    def read(text: str) -> str:
        if not text.strip() or len(text) > longest:
            raise ValueError(f"text of 1 to {longest} characters")
        return text.strip()

    return read


def key(text: str) -> UUID:
    """Read a UUID in its usual form."""
    if not re.fullmatch("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text):
        raise ValueError("a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")
    return UUID(text)


def keys(text: str) -> list[UUID]:
    """Read UUIDs separated by commas."""
    parts = text.split(",", limits.IDS_MAX)
    try:
        found = [key(part.strip()) for part in parts[: limits.IDS_MAX]]
    except ValueError:
        found = []
    if len(found) != len(parts):
        raise ValueError(f"1 to {limits.IDS_MAX} UUIDs, separated by commas")
    return found


def timestamp(text: str) -> datetime:
    """Read an ISO 8601 date or time; UTC where it names no offset."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("an ISO 8601 time such as 2024-05-01T12:00:00Z (write + as %2B)") from None


def _search(value: str) -> StatementFilter:
    return SearchFilter("sort_key", fold(value), escape_wildcards=True)


def _search_books(value: str) -> StatementFilter:
    by_author = select(Author.id).where(Author.sort_key.contains(fold(value), autoescape=True))
    return FilterGroup(or_, [_search(value), ComparisonFilter("author_id", "in", by_author)])


def _tagged(name: str) -> StatementFilter:
    return ExistsFilter([book_tag.c.book_id == Book.id, book_tag.c.tag_id == Tag.id, Tag.sort_key == fold(name)])


def _equal(column: str) -> Callable[[Any], StatementFilter]:
    return lambda value: ComparisonFilter(column, "eq", value)


def _search_text(text: str) -> str | None:
    return words(limits.TITLE)(text) if text else None  # a search form that is left empty


SEARCH = Parameter(_search_text, _search)
COMMON = {
    "ids": Parameter(keys, lambda value: CollectionFilter("id", value), repeatable=True),
    "created_before": Parameter(timestamp, lambda value: BeforeAfter("created_at", before=value, after=None)),
    "created_after": Parameter(timestamp, lambda value: BeforeAfter("created_at", before=None, after=value)),
}
YEAR = integer(limits.FIRST_YEAR, limits.LAST_YEAR)

AUTHORS = Resource(
    Author,
    {"search": SEARCH, **COMMON},
    order_by={"name": "sort_key", "born": "born", "created_at": "created_at"},
    default_order="name",
)
BOOKS = Resource(
    Book,
    {
        "search": Parameter(_search_text, _search_books),
        "author": Parameter(key, _equal("author_id")),
        "tag": Parameter(words(limits.TAG_NAME), _tagged),
        "published_before": Parameter(YEAR, lambda value: ComparisonFilter("published", "lt", value)),
        "published_after": Parameter(YEAR, lambda value: ComparisonFilter("published", "gt", value)),
        **COMMON,
    },
    order_by={"title": "sort_key", "published": "published", "pages": "pages", "created_at": "created_at"},
    default_order="title",
)
TAGS = Resource(
    Tag,
    {"search": SEARCH, **COMMON},
    order_by={"name": "sort_key", "created_at": "created_at"},
    default_order="name",
)
ACTIVITY = Resource(
    Activity,
    {
        "action": Parameter(words(limits.ACTION), _equal("action")),
        "kind": Parameter(words(limits.ACTION), _equal("kind")),
        "subject": Parameter(key, _equal("subject_id")),
        **COMMON,
    },
    order_by={"created_at": "created_at"},
    default_order="-created_at",
)


@dataclass
class _Arguments:
    """The query string, read value by value."""

    values: MultiDict[str, str]
    allowed: set[str] = field(default_factory=set)

    def check_names(self, allowed: set[str]) -> None:
        for name in self.values:
            if name not in allowed:
                raise BadParameter(name, f"is unknown here; allowed are {', '.join(sorted(allowed))}")

    def read(self, name: str, parameter: Callable[[str], T], *, repeatable: bool = False) -> T | None:
        """Return the value, or None when the parameter is absent."""
        given = self.values.getlist(name)
        if not given:
            return None
        if len(given) > 1 and not repeatable:
            raise BadParameter(name, "must be given once")
        text = ",".join(given)
        if "\0" in text:
            raise BadParameter(name, "must not contain the character U+0000")
        try:
            return parameter(text)
        except ValueError as error:
            raise BadParameter(name, f"must be {error}") from None


def parse(resource: Resource, values: MultiDict[str, str]) -> Query:
    """Return what the query string asks of `resource`.

    Raises:
        BadParameter: A parameter is unknown, malformed, out of bounds or does not go with another.
    """
    arguments = _Arguments(values)
    arguments.check_names({*resource.filters, "order_by", "page", "page_size", "after"})
    filters: list[StatementFilter] = []
    for name, parameter in resource.filters.items():
        value = arguments.read(name, parameter.read, repeatable=parameter.repeatable)
        if value is not None:
            filters.append(parameter.to_filter(value))
    size = arguments.read("page_size", integer(1, limits.PAGE_SIZE_MAX)) or limits.PAGE_SIZE
    if "after" in values:
        return _by_key(arguments, filters, size)
    page = arguments.read("page", integer(1, limits.PAGE_MAX)) or 1
    order = arguments.read("order_by", _order(resource)) or _order(resource)(resource.default_order)
    return Query([*filters, *order, LimitOffset(size, (page - 1) * size)], size, page)


def _by_key(arguments: _Arguments, filters: list[StatementFilter], size: int) -> Query:
    for name in ("page", "order_by"):
        if name in arguments.values:
            raise BadParameter(name, "cannot be combined with after: pages by key are in the order of id")
    last = arguments.read("after", lambda text: key(text) if text else None)
    if last is not None:
        filters.append(ComparisonFilter("id", "gt", last))
    return Query([*filters, OrderBy("id"), LimitOffset(size + 1, 0)], size)


def _order(resource: Resource) -> Callable[[str], list[StatementFilter]]:
    def read(text: str) -> list[StatementFilter]:
        name = text.removeprefix("-")
        if name not in resource.order_by:
            raise ValueError(f"one of {', '.join(resource.order_by)}, with - in front for descending")
        column = resource.order_by[name]
        direction: Literal["asc", "desc"] = "desc" if text.startswith("-") else "asc"
        nullable = resource.model.__table__.c[column].nullable
        return [OrderBy(column, direction, nulls="last" if nullable else None), OrderBy("id", direction)]

    return read
