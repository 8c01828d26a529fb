"""Create, change, delete: the same for authors, books and tags, in every commit mode."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from .transcripts import Api, invalid, problem

Fields = dict[str, Any]

AUTHOR: Fields = {"born": -384, "died": -322, "country": "GR", "biography": "Philosopher.\nPupil of Plato."}
BOOK: Fields = {"published": -350, "language": "grc", "pages": 300, "isbn": "9780000000002", "summary": "On being."}
TAG: Fields = {"description": "What is thought about thinking."}
EMPTY: dict[str, Fields] = {
    "author": dict.fromkeys(AUTHOR),
    "book": {**dict.fromkeys(BOOK), "tags": []},
    "tag": dict.fromkeys(TAG),
}
FULL = {"author": AUTHOR, "book": BOOK, "tag": TAG}
NAME = {"author": "name", "book": "title", "tag": "name"}
OTHER: dict[str, Fields] = {
    "author": {"born": 1, "died": 1, "country": "XX", "biography": "x" * 4000},
    "book": {"published": 2100, "language": "zz", "pages": 50_000, "isbn": "9999999999999", "summary": "x" * 4000},
    "tag": {"description": "\N{GREEK SMALL LETTER OMEGA}\u200d\N{PILE OF POO}"},
}
every_kind = pytest.mark.parametrize("kind", FULL)


def named(api: Api, kind: str, name: str) -> Fields:
    """The least that a new record needs; a book's author is made for it."""
    author = {"author_id": api.created("/authors", name=f"Author of {name}")["id"]} if kind == "book" else {}
    return {NAME[kind]: name, **author}


def shown(fields: Fields) -> Fields:
    """What the answer repeats of what was sent."""
    return {name: value for name, value in fields.items() if name != "author_id"}


@every_kind
@pytest.mark.parametrize("full", [False, True])
def test_create(api: Api, kind: str, full: bool) -> None:
    fields = {**named(api, kind, f"New {kind} {full}"), **(FULL[kind] if full else {})}
    if "isbn" in fields:
        fields["isbn"] = "9780000000019"
    response = api.post(f"/{kind}s", fields)
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"
    item = response.json()
    assert response.headers["location"] == f"/{kind}s/{item['id']}"
    assert api.get(response.headers["location"]).json() == item
    assert UUID(item["id"]).version == 7
    assert datetime.fromisoformat(item["created_at"]).tzinfo is not None
    assert item["created_at"] <= item["updated_at"]
    expected = {**EMPTY[kind], **shown(fields)}
    assert {name: item[name] for name in expected} == expected
    if kind == "book":
        assert item["author"] == {"id": fields["author_id"], "name": f"Author of New book {full}"}
    assert api.store.log(item["id"]) == [("created", kind, f"New {kind} {full}")]


@every_kind
@pytest.mark.parametrize("mode", ["autocommit"], indirect=True)
def test_change_each_field(api: Api, kind: str) -> None:
    item = api.created(f"/{kind}s", **named(api, kind, f"Changing {kind}"))
    path = f"/{kind}s/{item['id']}"
    steps: list[Fields] = [
        {},
        {NAME[kind]: f"Changed {kind}"},
        {NAME[kind]: f"Changed {kind}"},
        OTHER[kind],
        *({name: value} for name, value in FULL[kind].items()),
        *({name: None} for name in FULL[kind]),
        {NAME[kind]: f"Changing {kind}", **OTHER[kind]},
        dict.fromkeys(OTHER[kind]),
    ]
    for step in steps:
        response = api.patch(path, step)
        assert response.status_code == 200, response.text
        changed = response.json()
        assert {**item, **step, "updated_at": changed["updated_at"]} == changed
        assert (changed["updated_at"] > item["updated_at"]) == any(item[name] != value for name, value in step.items())
        item = changed
    assert api.get(path).json() == item
    names = [
        f"Changing {kind}",
        f"Changing {kind}",
        *[f"Changed {kind}"] * (2 + 1 + 2 * len(FULL[kind])),
        *[f"Changing {kind}"] * 2,
    ]
    assert [detail for _, _, detail in api.store.log(item["id"])] == names
    assert {action for action, _, _ in api.store.log(item["id"])[1:]} == {"updated"}


@every_kind
def test_delete(api: Api, kind: str) -> None:
    item = api.created(f"/{kind}s", **named(api, kind, f"Old {kind}"))
    path = f"/{kind}s/{item['id']}"
    response = api.delete(path)
    assert response.status_code == 204
    assert response.content == b""
    with api.store.unchanged():
        for method in ("GET", "PATCH", "DELETE"):
            problem(api(method, path, json={} if method == "PATCH" else None), 404, "There is no such record.")
    assert api.get(f"/{kind}s", params={"ids": item["id"]}).json()["total"] == 0
    assert api.store.log(item["id"])[-1] == ("deleted", kind, f"Old {kind}")


@every_kind
@pytest.mark.parametrize("mode", ["manual"], indirect=True)
def test_space_around_text_is_dropped_and_any_script_is_kept(api: Api, kind: str) -> None:
    name = f"{kind}: \u65e5\u672c\u8a9e \u0627\u0644\u0639\u0631\u0628\u064a\u0629 <b>&amp; 'x' \"y\" %_\\ \N{PILE OF POO}"
    fields = {**named(api, kind, f"\n {name}\t\u3000"), **({"description": " x "} if kind == "tag" else {})}
    item = api.created(f"/{kind}s", **fields)
    assert item[NAME[kind]] == name
    assert api.get(f"/{kind}s/{item['id']}").json() == item
    for text in (name, f"{kind}: \u65e5", "%_\\", "%_"):
        answer = api.get(f"/{kind}s", params={"search": text}).json()
        assert item in answer["items"]
        assert len(answer["items"]) == 1 or kind == "book"  # found by its author's name too


@every_kind
def test_a_name_that_is_taken(api: Api, kind: str) -> None:
    first = api.created(f"/{kind}s", **named(api, kind, f"Taken {kind}"))
    author = {"author_id": first["author"]["id"]} if kind == "book" else {}
    second = api.created(f"/{kind}s", **{NAME[kind]: f"taken {kind}", **author})  # another one: case counts
    errors = [{"field": field, "message": "is already taken"} for field in (*author, NAME[kind])]
    detail = f"There already is a record with this {' and '.join([*author, NAME[kind]])}."
    with api.store.unchanged():
        problem(api.post(f"/{kind}s", {NAME[kind]: f" Taken {kind} ", **author}), 409, detail, errors=errors)
        problem(api.patch(f"/{kind}s/{second['id']}", {NAME[kind]: f"Taken {kind}"}), 409, detail, errors=errors)
    assert api.get(f"/{kind}s/{second['id']}").json() == second


def test_lifetimes(api: Api) -> None:
    author = api.created("/authors", name="Methuselah", born=-3000, died=-2031)
    path = f"/authors/{author['id']}"
    with api.store.unchanged():
        invalid(api.patch(path, {"died": -3001}), "died", "Expected `int` >= -3000")
        invalid(api.patch(path, {"born": 5, "died": 4}), "died", "must not be before `born`")
        invalid(api.post("/authors", {"name": "Born Dead", "born": 1, "died": 0}), "died", "must not be before `born`")
        invalid(api.patch(path, {"born": -2030}), "died", "must not be before born")
    assert api.get(path).json() == author
    assert api.patch(path, {"born": -2031}).json()["born"] == -2031
    assert api.created("/authors", name="Dead on Arrival", died=0)["born"] is None


def test_an_author_with_books_stays(api: Api) -> None:
    author = api.created("/authors", name="Kept by a Book")
    book = api.created("/books", title="The Keeper", author_id=author["id"])
    with api.store.unchanged():
        problem(api.delete(f"/authors/{author['id']}"), 409, "Other records still refer to this one.")
    assert api.get(f"/authors/{author['id']}").json() == author
    assert api.delete(f"/books/{book['id']}").status_code == 204
    assert api.delete(f"/authors/{author['id']}").status_code == 204


def test_a_tag_leaves_its_books(api: Api) -> None:
    author = api.created("/authors", name="Tagged")
    book = api.created("/books", title="Tagged Twice", author_id=author["id"], tags=["stays here", "goes away"])
    (gone,) = [tag for tag in book["tags"] if tag["name"] == "goes away"]
    assert api.get("/books", params={"tag": "goes away"}).json()["total"] == 1
    assert api.delete(f"/tags/{gone['id']}").status_code == 204
    left = api.get(f"/books/{book['id']}").json()
    assert [tag["name"] for tag in left["tags"]] == ["stays here"]
    assert api.get("/books", params={"tag": "goes away"}).json()["total"] == 0


def test_a_tag_that_is_renamed_is_renamed_in_its_books(api: Api) -> None:
    author = api.created("/authors", name="Retagged")
    book = api.created("/books", title="Retagged", author_id=author["id"], tags=["aardvarks"])
    renamed = api.patch(f"/tags/{book['tags'][0]['id']}", {"name": "ant-eaters"}).json()
    assert api.get(f"/books/{book['id']}").json()["tags"] == [{"id": renamed["id"], "name": "ant-eaters"}]
    assert api.get("/books", params={"tag": "ant-eaters"}).json()["total"] == 1
