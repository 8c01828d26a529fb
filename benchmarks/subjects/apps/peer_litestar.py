"""The catalogue on Litestar, as short as it can be."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Litestar, Request, Response, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.params import FromPath, FromQuery
from werkzeug.datastructures import MultiDict

from app_async.overview import overview
from app_async.services import BookService
from benchmarks.subjects.apps import COLLECTIONS_PATH, TOKEN_PATH, collected, note_collections, token
from benchmarks.subjects.apps.peers import ERRORS, PeerDatabases, Writing, body, problem
from catalog import limits
from catalog.queries import BOOKS, parse
from catalog.schemas import BookCreate, BookRead, BookUpdate, KeyPage, Page

AnyRequest = Request[Any, Any, Any]


@get("/noop")
async def noop() -> Response[str]:
    """Do nothing."""
    return Response("", media_type="text/plain")


@get("/books/{item_id:uuid}")
async def read_book(item_id: FromPath[UUID], books: NamedDependency[BookService]) -> Any:
    """Answer with one book."""
    return await books.show(item_id)


@get("/books")
async def list_books(request: AnyRequest, books: NamedDependency[BookService]) -> Page[BookRead] | KeyPage[BookRead]:
    """Answer with a page of books."""
    return await books.page(parse(BOOKS, MultiDict(request.query_params.multi_items())))


@post("/books")
async def create_book(request: AnyRequest, written: NamedDependency[Writing]) -> Response[BookRead]:
    """Add a book."""
    book = await written.books.add(body(BookCreate, request.headers.get("content-type"), await request.body()))
    await written.log.record("created", "book", book.id, book.title)
    return Response(book, headers={"Location": f"/books/{book.id}"})


@patch("/books/{item_id:uuid}")
async def update_book(item_id: FromPath[UUID], request: AnyRequest, written: NamedDependency[Writing]) -> Any:
    """Change the fields that are given."""
    book = await written.books.change(item_id, body(BookUpdate, request.headers.get("content-type"), await request.body()))
    await written.log.record("updated", "book", book.id, book.title)
    return written.books.shown(book)


@get("/reports/overview")
async def show_overview(databases: NamedDependency[PeerDatabases]) -> dict[str, Any]:
    """Answer with the catalogue in numbers."""
    return await overview(databases.new_session)


@get("/slow")
async def slow(databases: NamedDependency[PeerDatabases], ms: FromQuery[int] = 0) -> dict[str, int]:
    """Wait in the database."""
    return await databases.wait(ms)


@get(TOKEN_PATH, sync_to_thread=False)
def benchmark_token() -> str:
    """Say who answers."""
    return token()


@get(COLLECTIONS_PATH, sync_to_thread=False)
def benchmark_collections() -> list[tuple[float, float]]:
    """Say what was collected."""
    return collected()


def create(config: Mapping[str, Any] | None = None) -> Litestar:
    """The app, set up by `CATALOG_*` variables and `config`."""
    databases = PeerDatabases(config)
    note_collections()
    return Litestar(
        [
            *(noop, read_book, list_books, create_book, update_book, show_overview, slow),
            *(benchmark_token, benchmark_collections),
        ],
        dependencies={
            "databases": Provide(lambda: databases, sync_to_thread=False),
            "books": Provide(databases.reading),
            "written": Provide(databases.writing),
        },
        exception_handlers=dict.fromkeys((*ERRORS, HTTPException), _problem),
        on_shutdown=[databases.close],
        logging_config=None,
        openapi_config=None,
        request_max_body_size=limits.BODY_BYTES,
    )


def _problem(_: AnyRequest, error: Exception) -> Response[bytes]:
    content, status, headers = problem(error)
    return Response(content, status_code=status, headers=headers, media_type=headers["Content-Type"])
