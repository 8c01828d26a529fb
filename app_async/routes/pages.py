"""Pages to click through: the catalogue, a new author, a new book."""

from typing import Any

from advanced_alchemy.exceptions import RepositoryError
from advanced_alchemy.filters import LimitOffset, OrderBy
from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from catalog.forms import AuthorForm, BookForm, CatalogForm
from catalog.problems import BadParameter, describe
from catalog.queries import BOOKS, parse
from catalog.schemas import AuthorCreate, BookCreate

from ..services import AuthorService, BookService, record

SUGGESTED_AUTHORS = 100
CONTENT_POLICY = "default-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'"

pages = Blueprint("pages", __name__)


@pages.after_request
def allow_only_own_content(response: Response) -> Response:
    """Have browsers refuse scripts and anything from elsewhere, should any get into a page."""
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    return response


@pages.get("/")
async def index() -> str:
    """Show a page of books, found by the same parameters as in the API."""
    query = parse(BOOKS, request.args)
    if query.page is None:
        raise BadParameter("after", "is for the API; pages here are numbered")
    return render_template("books.html", page=await BookService.open(read_only=True).page(query))


@pages.get("/pages/authors/new")
async def new_author() -> str:
    """Show an empty form."""
    return render_template("author.html", form=AuthorForm())


@pages.post("/pages/authors/new")
async def add_author() -> Any:
    """Add the author, or show what is wrong."""
    form = AuthorForm()
    author = await _add_author(form) if form.validate() else None
    return author or (render_template("author.html", form=form), form.status)


async def _add_author(form: AuthorForm) -> Response | None:
    data = form.to_schema(AuthorCreate)
    if data is None:
        return None
    service = AuthorService.open()
    try:
        author = await service.create(data)
    except RepositoryError as error:
        await _refuse(form, service, error)
        return None
    await record("created", "author", author.id, author.name)
    return _added(author.name, url_for("pages.new_book", author=author.name))


@pages.get("/pages/books/new")
async def new_book() -> str:
    """Show an empty form, or one with the author that was just added."""
    service = AuthorService.open(read_only=True)
    form = BookForm(author=request.args.get("author"))
    return render_template("book.html", form=form, authors=await _suggestions(service))


@pages.post("/pages/books/new")
async def add_book() -> Any:
    """Add the book, or show what is wrong."""
    form = BookForm()
    book = await _add_book(form) if form.validate() else None
    if book is not None:
        return book
    authors = await _suggestions(AuthorService.open())
    return render_template("book.html", form=form, authors=authors), form.status


async def _add_book(form: BookForm) -> Response | None:
    author = await AuthorService.open().get_one_or_none(name=form.author.data)
    if author is None:
        form.author.errors.append("There is no author of this name in the catalogue.")
        return None
    data = form.to_schema(BookCreate, author=None, author_id=author.id, tags=form.tag_names())
    if data is None:
        return None
    service = BookService.open()
    try:
        book = await service.add(data)
    except RepositoryError as error:
        await _refuse(form, service, error)
        return None
    await record("created", "book", book.id, book.title)
    return _added(book.title, url_for("pages.index", search=book.title))


async def _suggestions(service: AuthorService) -> list[str]:
    authors = await service.get_many(OrderBy("sort_key"), LimitOffset(SUGGESTED_AUTHORS, 0))
    return [author.name for author in authors]


def _added(name: str, go_on: str) -> Response:
    flash(f"“{name}” was added.")
    return redirect(go_on, 303)


async def _refuse(form: CatalogForm, service: AuthorService | BookService, error: RepositoryError) -> None:
    """Show a broken rule beside its field; any other error is none of the form's."""
    await service.repository.session.rollback()
    if not form.accept_problem(describe(error)):
        raise error
