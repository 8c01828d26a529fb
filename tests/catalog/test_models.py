from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.orm import Session, selectinload

from catalog.folding import fold
from catalog.models import Author, Book, Tag, book_tag
from flask_oneloop.upstream import end_refused_transactions


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Émile ZOLA", "emile zola"),
        ("Straße", "strasse"),
        ("\uff21 \ufb01ne", "a fine"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
        ("Толстой", "толстои"),
        ("", ""),
        ("x" * 300, "x" * 200),
        ("ﷺ" * 100, fold("ﷺ" * 100)[:200]),
    ],
)
def test_fold_leaves_no_case_no_accents_and_a_bounded_length(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert len(fold(text)) <= 200


def test_keys_are_uuid_version_7_in_the_order_of_creation(session: Session) -> None:
    before = datetime.now(UTC)
    authors = [Author(name=f"Author {number}") for number in range(20)]
    session.add_all(authors)
    session.flush()
    keys = [author.id for author in authors]
    assert {key.version for key in keys} == {7}
    assert keys == sorted(keys)
    moment = datetime.fromtimestamp((keys[0].int >> 80) / 1000, UTC)
    assert abs(moment - before) < timedelta(minutes=1)


def test_the_sort_key_follows_the_name_and_the_title(session: Session) -> None:
    author = Author(name="Émile Zola")
    book = Book(title="L'Œuvre", author=author)
    session.add(book)
    session.commit()
    author.name, book.title = "ÉMILE ZOLÀ", "Été"
    session.commit()
    assert session.scalars(select(Author.sort_key)).one() == "emile zola"
    assert session.scalars(select(Book.sort_key)).one() == "ete"


def test_an_unknown_author_is_refused_by_the_commit_and_by_nothing_before(session: Session, engine: Engine) -> None:
    end_refused_transactions(engine)
    session.add(Book(title="Nobody's", author_id=uuid4()))
    session.flush()
    assert session.scalars(select(func.count(Book.id))).one() == 1
    with pytest.raises(IntegrityError):
        session.commit()
    session.close()
    with Session(engine) as another:  # on the same connection: the pool has one
        assert another.scalars(select(func.count(Book.id))).one() == 0
        another.add(Author(name="Somebody"))
        another.commit()
        assert another.scalars(select(func.count(Author.id))).one() == 1


def test_an_author_with_books_cannot_be_deleted(session: Session) -> None:
    author = Author(name="Ann")
    session.add(Book(title="One", author=author))
    session.commit()
    session.delete(author)
    with pytest.raises(IntegrityError):
        session.commit()
    session.rollback()
    assert session.scalars(select(func.count(Author.id))).one() == 1


@pytest.mark.parametrize("victim", [Book, Tag])
def test_deleting_a_book_or_a_tag_takes_their_links_along(session: Session, victim: type[Book] | type[Tag]) -> None:
    session.add(Book(title="One", author=Author(name="Ann"), tags=[Tag(name="novel"), Tag(name="war")]))
    session.commit()
    session.expunge_all()
    session.delete(session.scalars(select(victim)).first())
    session.commit()
    left = session.scalars(select(func.count()).select_from(book_tag)).one()
    assert left == (0 if victim is Book else 1)


@pytest.mark.parametrize(
    "second",
    [
        lambda: Author(name="Ann"),
        lambda: Tag(name="novel"),
        lambda: Book(title="Other", author=Author(name="Bob"), isbn="9780000000002"),
    ],
    ids=["author's name", "tag's name", "isbn"],
)
def test_duplicates_are_refused(session: Session, second: object) -> None:
    session.add(Book(title="One", author=Author(name="Ann"), isbn="9780000000002", tags=[Tag(name="novel")]))
    session.commit()
    session.add(second())  # type: ignore[operator]
    with pytest.raises(IntegrityError):
        session.flush()


def test_one_title_per_author_but_the_same_one_of_two(session: Session) -> None:
    ann, bob = Author(name="Ann"), Author(name="Bob")
    session.add_all([Book(title="One", author=ann), Book(title="One", author=bob)])
    session.commit()
    session.add(Book(title="One", author=ann))
    with pytest.raises(IntegrityError):
        session.flush()


def test_a_death_before_the_birth_is_refused(session: Session) -> None:
    session.add(Author(name="Ann", born=1900, died=1899))
    with pytest.raises(IntegrityError):
        session.flush()


def test_nothing_loads_by_itself(session: Session) -> None:
    session.add(Book(title="One", author=Author(name="Ann"), tags=[Tag(name="zoo"), Tag(name="Álgebra")]))
    session.commit()
    session.expunge_all()
    book = session.scalars(select(Book)).one()
    for relationship in ("author", "tags"):
        with pytest.raises(InvalidRequestError):
            getattr(book, relationship)
    session.expunge_all()
    book = session.scalars(select(Book).options(selectinload(Book.tags))).one()
    assert [tag.name for tag in book.tags] == ["Álgebra", "zoo"]


def test_a_tag_is_found_by_its_name_or_made_once(session: Session, engine: Engine) -> None:
    made = Tag.as_unique_sync(session, name="novel")
    assert Tag.as_unique_sync(session, name="novel") is made
    session.commit()
    session.close()
    with Session(engine) as another:
        assert Tag.as_unique_sync(another, name="novel").id == made.id
