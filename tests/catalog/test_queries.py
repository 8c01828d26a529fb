"""Query strings against real databases: what is found, in which order, and what is refused."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl
from uuid import UUID

import pytest
from advanced_alchemy.repository import SQLAlchemySyncRepository
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from catalog.models import Activity, Author, Book, Tag
from catalog.problems import BadParameter
from catalog.queries import ACTIVITY, AUTHORS, BOOKS, TAGS, Query, Resource, parse
from catalog.schemas import BookRead, KeyPage, Page
from catalog.statements import BOOK_VIEW, page_statements, read_page

RESOURCES = {"authors": AUTHORS, "books": BOOKS, "tags": TAGS, "activity": ACTIVITY}
ZOLA, KANT, ANON = (UUID(int=0x01890000_0000_7000_8000_000000000000 + number) for number in range(3))
BOOK_KEYS = [UUID(int=0x01890000_0000_7000_8000_000000001000 + number) for number in range(6)]


class Books(SQLAlchemySyncRepository[Book]):
    model_type = Book


def query(string: str, resource: Resource = BOOKS) -> Query:
    return parse(resource, MultiDict(parse_qsl(string, keep_blank_values=True)))


@pytest.fixture(scope="module")
def books(shared_session: Session) -> Books:
    session = shared_session
    zola = Author(id=ZOLA, name="Émile Zola")
    kant = Author(id=KANT, name="Immanuel Kant")
    anon = Author(id=ANON, name="Anon_100%")
    novel, mine = Tag(name="Novel"), Tag(name="mine")
    rows = [
        ("Germinal", zola, 1885, 500, [novel, mine]),
        ("Nana", zola, 1880, None, [novel]),
        ("Kritik der reinen Vernunft", kant, 1781, 800, []),
        ("Ätna", anon, None, None, []),
        ("100% zola_x", anon, -50, 20, []),
        ("Zebra / 100 zolaax", anon, 1885, 20, [mine]),
    ]
    for key, day, (title, author, published, pages, tags) in zip(BOOK_KEYS, range(1, 7), rows, strict=True):
        created = datetime(2024, 5, day, tzinfo=UTC)
        session.add(Book(id=key, title=title, author=author, published=published, pages=pages, tags=tags, created_at=created))
    session.commit()
    return Books(session=session)


def found(books: Books, string: str) -> list[int]:
    """The numbers of the books that the query string finds, in order: the same by filters as by the statement made once."""
    asked = query(string)
    numbers = [BOOK_KEYS.index(book.id) for book in books.get_many(*asked.filters)]
    assert [BOOK_KEYS.index(book.id) for book in read(books, asked).items] == numbers
    return numbers


def read(books: Books, asked: Query) -> Page[BookRead] | KeyPage[BookRead]:
    """The page that the statement made once finds."""
    statement, values = page_statements(BOOK_VIEW, asked)[-1]
    return read_page(BOOK_VIEW, asked, books.session.execute(statement, values).all())


@pytest.mark.parametrize(
    ("string", "numbers"),
    [
        ("", [4, 3, 0, 2, 1, 5]),
        ("order_by=title", [4, 3, 0, 2, 1, 5]),
        ("order_by=-title", [5, 1, 2, 0, 3, 4]),
        ("order_by=published", [4, 2, 1, 0, 5, 3]),
        ("order_by=-published", [5, 0, 1, 2, 4, 3]),
        ("order_by=pages", [4, 5, 0, 2, 1, 3]),
        ("order_by=-pages", [2, 0, 5, 4, 3, 1]),
        ("order_by=-created_at", [5, 4, 3, 2, 1, 0]),
        ("search=", [4, 3, 0, 2, 1, 5]),
        ("search=nan", [1]),
        ("search=ATNA", [3]),
        ("search=émile", [0, 1]),
        ("search=EMILE zola", [0, 1]),
        ("search=zola", [4, 0, 1, 5]),
        ("search=100%25", [4, 3, 5]),
        ("search=zola_", [4]),
        ("search=%25 z", [4]),
        ("search=/", [5]),
        ("search=nothing", []),
        (f"author={KANT}", [2]),
        (f"author={BOOK_KEYS[0]}", []),
        ("tag=novel", [0, 1]),
        ("tag=Mine", [0, 5]),
        ("tag=no", []),
        ("published_before=1885", [4, 2, 1]),
        ("published_after=1880", [0, 5]),
        ("published_after=1780&published_before=1881", [2, 1]),
        ("created_before=2024-05-02", [0]),
        ("created_after=2024-05-05T00:00:00Z", [5]),
        ("created_after=2024-05-05T01:00:00%2B02:00&created_before=2024-05-05T02:00:00%2B01:00", [4]),
        (f"ids={BOOK_KEYS[2]},{BOOK_KEYS[0]}", [0, 2]),
        (f"ids={BOOK_KEYS[2]}&ids={BOOK_KEYS[0]}", [0, 2]),
        (f"ids={BOOK_KEYS[2]}, {BOOK_KEYS[2]}", [2]),
        (f"ids={ANON}", []),
        ("page_size=2", [4, 3]),
        ("page_size=2&page=2", [0, 2]),
        ("page_size=4&page=2", [1, 5]),
        ("page=2", []),
        ("page=1000000000&page_size=100", []),
        ("tag=novel&search=nana&order_by=-title&published_before=1900", [1]),
    ],
)
def test_books_are_found_in_order(books: Books, string: str, numbers: list[int]) -> None:
    assert found(books, string) == numbers


@pytest.mark.parametrize("string", ["", "search=zola", "tag=mine", "tag=mine&search=zola"])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pages_by_key_give_every_book_once_in_the_order_of_keys(books: Books, string: str, size: int) -> None:
    expected = sorted(found(books, string))
    after, numbers = "", []
    for _ in range(10):
        page_query = query(f"{string}&after={after}&page_size={size}")
        assert page_query.page is None
        found_page = read(books, page_query)
        assert isinstance(found_page, KeyPage)
        assert len(found_page.items) == size or found_page.next is None
        numbers += [BOOK_KEYS.index(book.id) for book in found_page.items]
        if found_page.next is None:
            break
        after = str(found_page.next)
    assert numbers == expected


def test_pages_by_offset_carry_the_total(books: Books) -> None:
    page_query = query("page_size=4&page=2")
    found_page = read(books, page_query)
    assert isinstance(found_page, Page)
    assert (len(found_page.items), found_page.total, found_page.page, found_page.page_size) == (2, 6, 2, 4)


def test_a_statement_is_made_once_for_all_values() -> None:
    statements = [
        page_statements(BOOK_VIEW, query(string))[-1][0]
        for string in ("search=a&page=2", "page_size=3&search=b", "search=a&after=")
    ]
    assert statements[0] is statements[1] is not statements[2]


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=RESOURCES)
@pytest.mark.parametrize(
    ("string", "name", "allowed"),
    [
        ("foo=1", "foo", "is unknown here; allowed are a"),
        ("Page=1", "Page", "is unknown"),
        ("page=0", "page", "must be an integer from 1 to 1000000000."),
        ("page=1000000001", "page", "must be an integer from 1 to 1000000000."),
        ("page=", "page", "must be an integer"),
        ("page=1.0", "page", "must be an integer"),
        ("page=\uff11", "page", "must be an integer"),
        ("page= 1", "page", "must be an integer"),
        ("page=1_0", "page", "must be an integer"),
        ("page=" + "9" * 5000, "page", "must be an integer"),
        ("page=1&page=1", "page", "must be given once"),
        ("page_size=0", "page_size", "must be an integer from 1 to 100."),
        ("page_size=101", "page_size", "must be an integer from 1 to 100."),
        ("order_by=", "order_by", "must be one of "),
        ("order_by=id", "order_by", "must be one of "),
        ("order_by=--created_at", "order_by", "must be one of "),
        ("order_by=created_at,id", "order_by", "must be one of "),
        ("after=x", "after", "must be a UUID such as "),
        ("after=&page=1", "page", "cannot be combined with after"),
        ("after=&order_by=created_at", "order_by", "cannot be combined with after"),
        ("after=&after=", "after", "must be given once"),
        ("ids=", "ids", "must be 1 to 100 UUIDs"),
        ("ids=x", "ids", "must be 1 to 100 UUIDs"),
        (f"ids={ZOLA},", "ids", "must be 1 to 100 UUIDs"),
        (f"ids={ZOLA.hex}", "ids", "must be 1 to 100 UUIDs"),
        ("ids=" + ",".join(str(UUID(int=number)) for number in range(101)), "ids", "must be 1 to 100 UUIDs"),
        ("created_before=yesterday", "created_before", "must be an ISO 8601 time"),
        ("created_after=0001-01-01T00:00:00%2B23:59", "created_after", "must be an ISO 8601 time"),
        ("created_after=2024-05-01%00", "created_after", "must not contain the character U+0000"),
    ],
)
def test_what_no_list_understands_is_refused_by_its_name(resource: Resource, string: str, name: str, allowed: str) -> None:
    with pytest.raises(BadParameter) as error:
        query(string, resource)
    assert error.value.code == 400
    assert error.value.members == {"parameter": name}
    assert error.value.description is not None
    assert f"The parameter {name!r} {allowed}" in error.value.description


@pytest.mark.parametrize(
    ("resource", "string", "name"),
    [
        (BOOKS, "author=zola", "author"),
        (BOOKS, "tag=", "tag"),
        (BOOKS, "tag=" + "t" * 61, "tag"),
        (BOOKS, "search=%20", "search"),
        (BOOKS, "search=" + "s" * 301, "search"),
        (BOOKS, "search=a%00", "search"),
        (BOOKS, "published_before=2101", "published_before"),
        (BOOKS, "published_after=-3001", "published_after"),
        (BOOKS, "published_after=x", "published_after"),
        (BOOKS, "kind=book", "kind"),
        (AUTHORS, "tag=novel", "tag"),
        (AUTHORS, "order_by=title", "order_by"),
        (TAGS, "author=1", "author"),
        (ACTIVITY, "search=x", "search"),
        (ACTIVITY, "subject=x", "subject"),
        (ACTIVITY, "kind=", "kind"),
    ],
)
def test_what_one_list_does_not_understand_is_refused(resource: Resource, string: str, name: str) -> None:
    with pytest.raises(BadParameter) as error:
        query(string, resource)
    assert error.value.members == {"parameter": name}


def test_the_log_is_filtered_and_shows_the_latest_first(shared_session: Session) -> None:
    class Log(SQLAlchemySyncRepository[Activity]):
        model_type = Activity

    for day, (action, kind, subject) in enumerate(
        [("created", "book", ZOLA), ("deleted", "book", KANT), ("created", "tag", None)]
    ):
        moment = datetime(2024, 5, day + 1, tzinfo=UTC)
        shared_session.add(Activity(action=action, kind=kind, subject_id=subject, detail=str(day), created_at=moment))
    shared_session.commit()

    def details(string: str) -> str:
        rows = Log(session=shared_session).get_many(*query(string, ACTIVITY).filters)
        return "".join(row.detail or "" for row in rows)

    assert details("") == "210"
    assert details("order_by=created_at") == "012"
    assert details("action=created") == "20"
    assert details("kind=book&action=created") == "0"
    assert details(f"subject={KANT}") == "1"


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=RESOURCES)
def test_every_order_has_an_index_that_ends_in_the_tie_breaker(resource: Resource) -> None:
    indexed = {tuple(column.name for column in index.columns) for index in resource.model.__table__.indexes}  # type: ignore[attr-defined]
    assert {(column, "id") for column in resource.order_by.values()} <= indexed
