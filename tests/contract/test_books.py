"""What only books have: an author that must exist, which the COMMIT checks; tags by name; many at once, all or none."""

from typing import Any
from uuid import UUID

import pytest

from .fixtures import names
from .transcripts import Api, invalid, problem

UNKNOWN = "00000000-0000-7000-8000-000000000000"
NO_AUTHOR = "A record that this one refers to does not exist."


@pytest.fixture
def author_id(api: Api, request: pytest.FixtureRequest) -> str:
    return str(api.created("/authors", name=f"Author of {request.node.originalname}")["id"])


def test_an_unknown_author_is_refused_by_the_commit(api: Api, author_id: str) -> None:
    book = api.created("/books", title="Orphan to Be", author_id=author_id)
    with api.store.unchanged():
        for _ in range(2):
            problem(api.post("/books", {"title": "Orphan", "author_id": UNKNOWN, "tags": ["for orphans"]}), 409, NO_AUTHOR)
            problem(api.patch(f"/books/{book['id']}", {"author_id": UNKNOWN, "title": "Orphaned"}), 409, NO_AUTHOR)
            bodies = [{"title": "A", "author_id": author_id}, {"title": "B", "author_id": UNKNOWN}]
            problem(api.post("/books/bulk", bodies), 409, NO_AUTHOR)
    assert api.get(f"/books/{book['id']}").json() == book
    assert api.get("/books", params={"search": "orphan"}).json()["total"] == 1
    assert api.get("/tags", params={"search": "for orphans"}).json()["total"] == 0


def test_another_author(api: Api, author_id: str) -> None:
    book = api.created("/books", title="On the Move", author_id=author_id)
    other = api.created("/authors", name="The New Owner")
    changed = api.patch(f"/books/{book['id']}", {"author_id": other["id"]}).json()
    assert changed["author"] == {"id": other["id"], "name": "The New Owner"}
    assert api.get(f"/books/{book['id']}").json() == changed
    assert api.get("/books", params={"author": author_id}).json()["total"] == 0
    assert api.get("/books", params={"search": "new owner"}).json()["items"] == [changed]


def test_two_authors_may_use_one_title(api: Api, author_id: str) -> None:
    other = api.created("/authors", name="The Other Author")
    first, second = (api.created("/books", title="Poems", author_id=key) for key in (author_id, other["id"]))
    errors = [{"field": field, "message": "is already taken"} for field in ("author_id", "title")]
    with api.store.unchanged():
        response = api.patch(f"/books/{second['id']}", {"author_id": author_id})
        problem(response, 409, "There already is a record with this author_id and title.", errors=errors)
    assert api.get(f"/books/{first['id']}").json() == first


def test_an_isbn_that_is_taken(api: Api, author_id: str) -> None:
    api.created("/books", title="First Print", author_id=author_id, isbn="9780000001115")
    with api.store.unchanged():
        response = api.post("/books", {"title": "Pirated Print", "author_id": author_id, "isbn": "9780000001115"})
        problem(
            response, 409, "There already is a record with this isbn.", errors=[{"field": "isbn", "message": "is already taken"}]
        )
    for number in range(2):
        api.created("/books", title=f"Print without number {number}", author_id=author_id, isbn=None)


def test_tags_are_found_by_name_or_made(api: Api, author_id: str) -> None:
    tags = [" novel ", "Zebras of ours", "apes of ours", "novel", "Émigrés of ours"]
    book = api.created("/books", title="A Menagerie", author_id=author_id, tags=tags)
    assert names(book["tags"]) == ["apes of ours", "Émigrés of ours", "novel", "Zebras of ours"]
    (novel,) = [tag for tag in api.walk("/tags", search="novel") if tag["name"] == "novel"]
    assert novel["id"] in {tag["id"] for tag in book["tags"]}
    path = f"/books/{book['id']}"
    assert api.get(path).json() == book
    changed = api.patch(path, {"tags": ["apes of ours", "Newts of ours"]}).json()
    assert names(changed["tags"]) == ["apes of ours", "Newts of ours"]
    assert changed["tags"][0] in book["tags"]
    assert api.patch(path, {"title": "A Smaller Menagerie"}).json()["tags"] == changed["tags"]
    assert api.patch(path, {"tags": []}).json()["tags"] == []
    assert api.get(path).json()["tags"] == []
    assert api.get("/tags", params={"search": "of ours"}).json()["total"] == 4
    many = [f"one of twenty {number:02}" for number in range(20)]
    assert names(api.patch(path, {"tags": many}).json()["tags"]) == many


def test_bad_tags(api: Api, author_id: str) -> None:
    with api.store.unchanged():
        for tag, field, message in [
            ("", "tags[1]", "Expected `str` of length >= 1"),
            ("x" * 61, "tags[1]", "Expected `str` of length <= 60"),
            (1, "tags[1]", "Expected `str`, got `int`"),
            (None, "tags[1]", "Expected `str`, got `null`"),
            (" ", "tags", "must not be blank"),
            ("\0", "tags", "must not contain the character U+0000"),
        ]:
            invalid(api.post("/books", {"title": "x", "author_id": author_id, "tags": ["novel", tag]}), field, message)


@pytest.mark.parametrize("mode", ["autocommit"], indirect=True)
@pytest.mark.parametrize("count", [1000, 60])
def test_many_books(api: Api, author_id: str, count: int) -> None:
    bodies: list[dict[str, Any]] = [
        {"title": f"Volume {number:04}", "author_id": author_id, "pages": number + 1, "tags": ["novel", f"bulk {number % 3}"]}
        for number in range(count)
    ]
    response = api.post("/books/bulk", bodies)
    assert response.status_code == 201
    assert list(response.json()) == ["count", "ids"]
    assert response.json()["count"] == count
    made = list(api.walk("/books", author=author_id, page_size=100))
    assert [book["id"] for book in made] == response.json()["ids"]
    assert names(made) == [body["title"] for body in bodies]
    assert [sorted(names(book["tags"])) for book in made] == [sorted(body["tags"]) for body in bodies]
    assert api.get("/tags", params={"search": "bulk"}).json()["total"] == 3
    assert api.store.log(None)[-1] == ("created", "book", f"{count} books")
    with api.store.unchanged():
        again = api.post("/books/bulk", [{"title": "New Volume", "author_id": author_id}, bodies[0]])
        errors = [{"field": field, "message": "is already taken"} for field in ("author_id", "title")]
        problem(again, 409, "There already is a record with this author_id and title.", errors=errors)
    for key in response.json()["ids"]:
        UUID(key)


def test_many_books_or_none(api: Api, author_id: str) -> None:
    good = {"title": "Good", "author_id": author_id, "tags": ["good books"]}
    twice = [{"field": field, "message": "is already taken"} for field in ("author_id", "title")]
    with api.store.unchanged():
        invalid(api.post("/books/bulk", []), "", "Expected `array` of length >= 1")
        invalid(api.post("/books/bulk", [good] * 1001), "", "Expected `array` of length <= 1000")
        invalid(api.post("/books/bulk", good), "", "Expected `array`, got `object`")
        invalid(api.post("/books/bulk", [good, good, {**good, "title": 1}]), "[2].title", "Expected `str`, got `int`")
        invalid(api.post("/books/bulk", [good, {"title": "x"}]), "[1].author_id", "is required")
        invalid(api.post("/books/bulk", [good, {**good, "shelf": 1}]), "[1].shelf", "is unknown")
        invalid(api.post("/books/bulk", [{**good, "tags": ["x", 5]}]), "[0].tags[1]", "Expected `str`, got `int`")
        problem(
            api.post("/books/bulk", [good, good]), 409, "There already is a record with this author_id and title.", errors=twice
        )
        bodies = [{**good, "title": f"Volume {number}"} for number in range(100)]
        problem(api.post("/books/bulk", [*bodies, {**good, "author_id": UNKNOWN}]), 409, NO_AUTHOR)  # at the COMMIT
    assert api.get("/books", params={"author": author_id}).json()["total"] == 0
