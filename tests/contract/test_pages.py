"""The pages: seen and filled in without JavaScript, in every commit mode."""

import pytest

from .browsing import shown, submit
from .fixtures import BOOKS, in_order
from .transcripts import Api

AUTHOR, BOOK = "/pages/authors/new", "/pages/books/new"
INJECTION = "<script>alert(1)</script> & \"quoted\" 'x' {{ 7*7 }}"


def test_the_catalogue_is_shown_in_pages(library: Api) -> None:
    page = shown(library.get("/"))
    assert page.texts["h1"] == ["Books"]
    assert page.texts["h2"] == in_order(BOOKS)[:20]
    assert f"{len(BOOKS)} books" in page.texts["p"]
    assert "Page 1 of 14" in page.texts["span"]
    seen = page.texts["h2"]
    while "Next" in page.links:
        page = shown(library.get(page.links["Next"]))
        seen += page.texts["h2"]
    assert seen == in_order(BOOKS)
    assert "Previous" in page.links


def test_search_and_order(library: Api) -> None:
    page = shown(library.get("/", params={"search": "tolstoy", "order_by": "-published"}))
    expected = [book for book in BOOKS if book["author"] == "Leo Tolstoy"]
    assert page.texts["h2"] == in_order(expected, by="published", descending=True)
    assert page.values["search"] == "tolstoy"
    assert f"{len(expected)} books" in page.texts["p"]
    tag = shown(library.get("/", params={"search": "anna karenina"}))
    assert tag.texts["h2"] == ["Anna Karenina"]
    novels = shown(library.get(tag.links["novel"]))
    assert novels.texts["h2"] == in_order([book for book in BOOKS if "novel" in book["tags"]])[:20]
    nothing = shown(library.get("/", params={"search": "no such thing"}))
    assert "h2" not in nothing.texts
    assert "0 books" in nothing.texts["p"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("page=0", "The parameter 'page' must be an integer from 1 to 1000000000."),
        ("after=", "The parameter 'after' is for the API; pages here are numbered."),
        ("q=x", "The parameter 'q' is unknown here; allowed are "),
    ],
)
def test_a_bad_parameter_is_shown_on_a_page(library: Api, query: str, message: str) -> None:
    page = shown(library.get(f"/?{query}", headers={"Accept": "application/json"}), 400)
    assert page.texts["h1"] == ["Bad Request"]
    assert any(text.startswith(message) for text in page.texts["p"])


def test_add_an_author_and_a_book(api: Api) -> None:
    response = submit(
        api, AUTHOR, name=" Ada of the Pages ", born="1815", died="1852", country="GB", biography="Poetical\r\nscience."
    )
    assert response.status_code == 303
    assert response.headers["location"] == f"{BOOK}?author=Ada+of+the+Pages"
    (author,) = api.get("/authors", params={"search": "ada of the pages"}).json()["items"]
    assert (author["name"], author["born"], author["country"]) == ("Ada of the Pages", 1815, "GB")
    assert api.store.log(author["id"]) == [("created", "author", "Ada of the Pages")]
    form = shown(api.get(response.headers["location"]))
    assert "“Ada of the Pages” was added." in form.texts["p"]
    assert form.values["author"] == "Ada of the Pages"
    assert "was added" not in api.get(BOOK).text
    fields = {
        "published": "1843",
        "language": "en",
        "pages": "66",
        "isbn": "9780000002228",
        "tags": "novel, Engines , novel,",
        "summary": "",
    }
    response = submit(api, BOOK, title="Notes", author="Ada of the Pages", **fields)
    assert response.status_code == 303
    assert response.headers["location"] == "/?search=Notes"
    (book,) = api.get("/books", params={"author": author["id"]}).json()["items"]
    assert [book[name] for name in ("title", "published", "language", "pages", "isbn", "summary")] == [
        "Notes",
        1843,
        "en",
        66,
        "9780000002228",
        None,
    ]
    assert [tag["name"] for tag in book["tags"]] == ["Engines", "novel"]
    assert api.store.log(book["id"]) == [("created", "book", "Notes")]
    page = shown(api.get(response.headers["location"]))
    assert "“Notes” was added." in page.texts["p"]
    assert "Notes" in page.texts["h2"]


def test_the_least_that_a_form_needs(api: Api) -> None:
    assert submit(api, AUTHOR, name="Only a Name").status_code == 303
    assert submit(api, BOOK, title="Only a Title", author="Only a Name").status_code == 303
    (book,) = api.get("/books", params={"search": "only a title"}).json()["items"]
    assert [book[name] for name in ("published", "language", "pages", "isbn", "summary", "tags")] == [None] * 5 + [[]]


AUTHOR_ERRORS = [
    ({"name": ""}, "name", "Fill in this field."),
    ({"name": " \t"}, "name", "Fill in this field."),
    ({"name": "x" * 201}, "name", "Field cannot be longer than 200 characters."),
    ({"name": "a\0b"}, "name", "Name must not contain the character U+0000."),
    ({"name": "Émile Zola"}, "name", "Name is already taken."),
    ({"name": "x", "born": "MDCCC"}, "born", "Not a valid integer value."),
    ({"name": "x", "born": "-3001"}, "born", "Number must be between -3000 and 2100."),
    ({"name": "x", "born": "9" * 5000}, "born", "Not a valid integer value."),
    ({"name": "x", "born": "2", "died": "1"}, "died", "Died must not be before `born`."),
    ({"name": "x", "country": "France"}, "country", "Field cannot be longer than 2 characters."),
    ({"name": "x", "country": "fr"}, "country", "Write a country code of two capital letters (ISO 3166) such as FR."),
    ({"name": "x", "biography": "x" * 4001}, "biography", "Field cannot be longer than 4000 characters."),
]
BOOK_ERRORS = [
    ({"title": ""}, "title", "Fill in this field."),
    ({"title": "x", "author": "Nobody at All"}, "author", "There is no author of this name in the catalogue."),
    ({"title": "x", "author": ""}, "author", "Fill in this field."),
    ({"title": "Anna Karenina", "author": "Leo Tolstoy"}, "title", "Title is already taken."),
    ({"title": "x", "pages": "0"}, "pages", "Number must be between 1 and 50000."),
    ({"title": "x", "isbn": "978-3"}, "isbn", "Write 13 digits without hyphens."),
    ({"title": "x", "language": "EN"}, "language", "Write a language code of two or three small letters (ISO 639) such as fr."),
    ({"title": "x", "tags": "a" * 61}, "tags", "At most 20 tags of 60 characters each."),
    ({"title": "x", "tags": ",".join(map(str, range(21)))}, "tags", "At most 20 tags of 60 characters each."),
    ({"title": "x", "tags": "a,\0"}, "tags", "Tags must not contain the character U+0000."),
]


one_mode = pytest.mark.parametrize("mode", ["autocommit_include_redirect"], indirect=True)


@one_mode
@pytest.mark.parametrize(("path", "cases"), [(AUTHOR, AUTHOR_ERRORS), (BOOK, BOOK_ERRORS)])
def test_errors_stand_beside_their_fields_and_what_was_written_stays(
    api: Api, path: str, cases: list[tuple[dict[str, str], str, str]]
) -> None:
    defaults = {"author": "Leo Tolstoy"} if path == BOOK else {"biography": "Kept."}
    with api.store.unchanged():
        token = shown(api.get(path)).values["csrf_token"]
        for fields, field, message in cases:
            page = shown(api("POST", path, data={**defaults, **fields, "csrf_token": token}), 422)
            assert page.errors[field] == message
            assert set(page.errors) - {"author"} <= {field}
            for name, value in {**defaults, **fields}.items():
                assert page.values[name].replace("\ufffd", "\0") == value.strip()
    assert submit(api, path, **{"name": f"Right after {path}", "title": f"Right after {path}", **defaults}).status_code == 303


@one_mode
def test_a_form_without_a_token_is_refused(api: Api) -> None:
    with api.store.unchanged():
        for path, fields in ((AUTHOR, {"name": "Forged"}), (BOOK, {"title": "Forged", "author": "Leo Tolstoy"})):
            for token in (None, "", "forged", "a.b.c"):
                api.get(path)  # the session's own token is there
                page = shown(api("POST", path, data={**fields, **({"csrf_token": token} if token is not None else {})}), 400)
                assert page.general == ["This form is too old or came from elsewhere. Please send it again."]
                assert {page.values.get(name) for name in fields} == set(fields.values())


@one_mode
def test_a_token_of_another_session_is_refused(api: Api) -> None:
    token = shown(api.get(AUTHOR)).values["csrf_token"]
    api.forget_cookies()
    with api.store.unchanged():
        for _ in range(2):
            assert shown(api("POST", AUTHOR, data={"name": "Forged", "csrf_token": token}), 400).general


@one_mode
def test_html_stays_text(api: Api) -> None:
    assert submit(api, AUTHOR, name=INJECTION, biography=f"</textarea>{INJECTION}").status_code == 303
    page = shown(
        submit(api, BOOK, title=INJECTION, author=INJECTION, tags="<b>", pages="<i>", summary=f"</textarea>{INJECTION}"), 422
    )
    assert page.values["title"] == INJECTION
    assert page.values["pages"] == "<i>"
    assert page.values["summary"] == f"</textarea>{INJECTION}"
    response = submit(api, BOOK, title=INJECTION, author=INJECTION, tags="<b>", summary=INJECTION)
    assert response.status_code == 303
    page = shown(api.get(response.headers["location"]))
    assert INJECTION in page.texts["h2"]
    assert "b" not in page.tags
    assert page.links["<b>"]
    assert page.values["search"] == INJECTION
    assert f"“{INJECTION}” was added." in page.texts["p"]


def test_the_same_form_sent_twice_adds_one(api: Api) -> None:
    values = {**shown(api.get(AUTHOR)).values, "name": "Sent Twice"}
    assert api("POST", AUTHOR, data=values).status_code == 303
    page = shown(api("POST", AUTHOR, data=values), 422)
    assert page.errors == {"name": "Name is already taken."}
    assert api.get("/authors", params={"search": "sent twice"}).json()["total"] == 1
