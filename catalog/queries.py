"""Query parameters to Advanced Alchemy filters, for every list of the API.

A `Resource` is the table of what one list accepts. Anything else in the query string - an unknown name, a value that is
malformed or out of bounds, a single parameter given twice - is a `BadParameter`.

A filter is made of a value, or of a parameter that stands for one: so `catalog.statements` makes a statement once for all values.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar
from uuid import UUID

from advanced_alchemy.base import ModelProtocol
from advanced_alchemy.filters import (
    LIKE_ESCAPE_CHAR,
    ComparisonFilter,
    LimitOffset,
    OrderBy,
    StatementFilter,
    escape_like_value,
)
from sqlalchemy import ColumnElement, FromClause, and_, not_, or_, select, true
from werkzeug.datastructures import MultiDict

from catalog import limits
from catalog.folding import fold
from catalog.models import Activity, Author, Book, Tag, book_tag
from catalog.problems import BadParameter
from catalog.schemas import KeyPage, Page
from catalog.trigrams import passes

T = TypeVar("T")
_author, _book, _tag = Author.__table__, Book.__table__, Tag.__table__
Filter = StatementFilter | ColumnElement[bool]


@dataclass(frozen=True)
class Parameter:
    """One filter: how its text is read (a `ValueError` says what is allowed) and what the value becomes."""

    read: Callable[[str], Any]
    to_filter: Callable[[Any], Filter]
    repeatable: bool = False


@dataclass(frozen=True, eq=False)
class Resource:
    """What one list can be filtered and sorted by; `order_by` maps public names to columns.

    `searches` find together what the filter `search` finds, and no row twice, each with the pattern and its `sieve`.
    """

    model: type[ModelProtocol]
    filters: Mapping[str, Parameter]
    order_by: Mapping[str, str]
    default_order: str
    searches: Sequence[Callable[[Any, Any], ColumnElement[bool]]] = ()

    def condition(self, name: str, value: Any) -> Filter:
        """The filter of this name; `after` is one, too."""
        return self.filters.get(name, AFTER).to_filter(value)

    def read_order(self, text: str) -> str:
        """Return `text` if it names an order; a `ValueError` says which there are."""
        if text.removeprefix("-") not in self.order_by:
            raise ValueError(f"one of {', '.join(self.order_by)}, with - in front for descending")
        return text

    def order(self, name: str | None) -> list[OrderBy]:
        """The order of this public name, with - in front for descending; by `id` alone without one, or where rows are equal."""
        if name is None:
            return [OrderBy("id")]
        column = self.order_by[name.removeprefix("-")]
        direction: Literal["asc", "desc"] = "desc" if name.startswith("-") else "asc"
        nullable = self.model.__table__.c[column].nullable
        return [OrderBy(column, direction, nulls="last" if nullable else None), OrderBy("id", direction)]


@dataclass(frozen=True)
class Query:
    """One list request: the values of its filters, its order and limit, and the kind of page that answers it.

    Shapes: `order` and `page` are None when paging by key; one row more than `page_size` is then asked for.
    """

    resource: Resource
    values: Mapping[str, Any]
    page_size: int
    order: str | None = None
    page: int | None = None

    @property
    def limit(self) -> int:
        """How many rows to ask for."""
        return self.page_size + (self.page is None)

    @property
    def offset(self) -> int:
        """How many rows to leave out before them."""
        return ((self.page or 1) - 1) * self.page_size

    @property
    def filters(self) -> list[Filter]:
        """All of it as filters, for a service's own methods."""
        conditions = [self.resource.condition(name, value) for name, value in self.values.items()]
        return [*conditions, *self.resource.order(self.order), LimitOffset(self.limit, self.offset)]

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


def _search_text(text: str) -> str | None:
    """Read what to search for, as a pattern for LIKE; a search form that is left empty asks for nothing."""
    if not text:
        return None
    return f"%{escape_like_value(fold(words(limits.TITLE)(text)))}%"


def contains(table: FromClause) -> Callable[[Any], ColumnElement[bool]]:
    """Whether the sort key matches a pattern that is given."""
    return lambda pattern: table.c.sort_key.like(pattern, escape=LIKE_ESCAPE_CHAR)


def _search_books(pattern: Any) -> Filter:
    by_author = select(_author.c.id).where(contains(_author)(pattern)).correlate(None)
    return or_(contains(_book)(pattern), _book.c.author_id.in_(by_author))


def _indexed(table: FromClause) -> Callable[[Any, Any], ColumnElement[bool]]:
    # IS true: so that PostgreSQL looks up the sieve alone, and not all trigrams of the pattern too.
    return lambda pattern, sieve: and_(passes(table.c.sort_key, sieve), contains(table)(pattern).is_(true()))


def _by_author_alone(pattern: Any, sieve: Any) -> ColumnElement[bool]:
    by_author = select(_author.c.id).where(_indexed(_author)(pattern, sieve)).correlate(None)
    return and_(_book.c.author_id.in_(by_author), not_(contains(_book)(pattern)))


def _tag_name(text: str) -> str:
    return fold(words(limits.TAG_NAME)(text))


def _tagged(name: Any) -> Filter:
    named = select(book_tag.c.book_id).join(_tag, _tag.c.id == book_tag.c.tag_id).where(_tag.c.sort_key == name)
    return _book.c.id.in_(named.correlate(None))


def _compare(column: str, operator: str) -> Callable[[Any], Filter]:
    return lambda value: ComparisonFilter(column, operator, value)


COMMON = {
    "ids": Parameter(keys, _compare("id", "in"), repeatable=True),
    "created_before": Parameter(timestamp, _compare("created_at", "lt")),
    "created_after": Parameter(timestamp, _compare("created_at", "gt")),
}
YEAR = integer(limits.FIRST_YEAR, limits.LAST_YEAR)

AUTHORS = Resource(
    Author,
    {"search": Parameter(_search_text, contains(_author)), **COMMON},
    order_by={"name": "sort_key", "born": "born", "created_at": "created_at"},
    default_order="name",
    searches=(_indexed(_author),),
)
BOOKS = Resource(
    Book,
    {
        "search": Parameter(_search_text, _search_books),
        "author": Parameter(key, _compare("author_id", "eq")),
        "tag": Parameter(_tag_name, _tagged),
        "published_before": Parameter(YEAR, _compare("published", "lt")),
        "published_after": Parameter(YEAR, _compare("published", "gt")),
        **COMMON,
    },
    order_by={"title": "sort_key", "published": "published", "pages": "pages", "created_at": "created_at"},
    default_order="title",
    searches=(_indexed(_book), _by_author_alone),
)
TAGS = Resource(
    Tag,
    {"search": Parameter(_search_text, contains(_tag)), **COMMON},
    order_by={"name": "sort_key", "created_at": "created_at"},
    default_order="name",
)
ACTIVITY = Resource(
    Activity,
    {
        "action": Parameter(words(limits.ACTION), _compare("action", "eq")),
        "kind": Parameter(words(limits.ACTION), _compare("kind", "eq")),
        "subject": Parameter(key, _compare("subject_id", "eq")),
        **COMMON,
    },
    order_by={"created_at": "created_at"},
    default_order="-created_at",
)


@dataclass
class _Arguments:
    """The query string, read value by value."""

    values: MultiDict[str, str]

    def check_names(self, resource: Resource) -> None:
        for name in self.values:
            if name not in resource.filters and name not in PAGING:
                allowed = sorted({*resource.filters, *PAGING})
                raise BadParameter(name, f"is unknown here; allowed are {', '.join(allowed)}")

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


PAGE = integer(1, limits.PAGE_MAX)
PAGE_SIZE = integer(1, limits.PAGE_SIZE_MAX)
PAGING = ("order_by", "page", "page_size", "after")
AFTER = Parameter(lambda text: key(text) if text else None, _compare("id", "gt"))


def parse(resource: Resource, values: MultiDict[str, str]) -> Query:
    """Return what the query string asks of `resource`.

    Raises:
        BadParameter: A parameter is unknown, malformed, out of bounds or does not go with another.
    """
    arguments = _Arguments(values)
    arguments.check_names(resource)
    found: dict[str, Any] = {}
    for name, parameter in resource.filters.items():
        value = arguments.read(name, parameter.read, repeatable=parameter.repeatable)
        if value is not None:
            found[name] = value
    size = arguments.read("page_size", PAGE_SIZE) or limits.PAGE_SIZE
    if "after" in values:
        return _by_key(arguments, resource, found, size)
    page = arguments.read("page", PAGE) or 1
    order = arguments.read("order_by", resource.read_order) or resource.default_order
    return Query(resource, found, size, order, page)


def _by_key(arguments: _Arguments, resource: Resource, found: dict[str, Any], size: int) -> Query:
    for name in ("page", "order_by"):
        if name in arguments.values:
            raise BadParameter(name, "cannot be combined with after: pages by key are in the order of id")
    last = arguments.read("after", AFTER.read)
    return Query(resource, found if last is None else {**found, "after": last}, size)
