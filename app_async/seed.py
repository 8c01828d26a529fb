"""`flask seed`: fill the catalogue, with a real library or with a generated one of any size."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import click
from advanced_alchemy.filters import CollectionFilter
from advanced_alchemy.utils.fixtures import open_fixture_async
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from catalog import generated
from catalog.commands import errors_on_one_line
from catalog.generated import Row
from catalog.models import Author, Book, Tag, book_tag
from catalog.paths import FIXTURES

from .config import alchemy
from .services import AuthorService, BookService, CatalogService, ModelT, TagService

MOST_BOOKS = 10_000_000


@click.command("seed")
@click.option(
    "--books",
    type=click.IntRange(1, MOST_BOOKS),
    help="Generate this many books, with authors and tags, instead of loading the real library.",
)
@with_appcontext
def seed(books: int | None) -> None:
    """Load a library of classics, or generate books. Doing it again adds only what is missing."""
    with errors_on_one_line():
        if books is None:
            click.echo(current_app.ensure_sync(load_library)())
            return
        with click.progressbar(length=books, label="Books", show_pos=True) as bar:
            added = current_app.ensure_sync(generate)(books, bar.update)
        click.echo(f"{added} books added, {books - added} were there.")


async def load_library() -> str:
    """Insert the fixtures, or update the rows that differ from them; return how many there are."""
    async with alchemy().new_session() as session:
        tags = await _upsert(TagService(session), await open_fixture_async(FIXTURES, "tags"), "name")
        authors = await _upsert(AuthorService(session), await open_fixture_async(FIXTURES, "authors"), "name")
        author_ids = {author.name: author.id for author in authors}
        tag_ids = {tag.name: tag.id for tag in tags}
        works = await open_fixture_async(FIXTURES, "books")
        books = await _upsert(
            BookService(session),
            [{"author_id": author_ids[work["author"]], **_without(work, "author", "tags")} for work in works],
            "author_id",
            "title",
        )
        links = [
            {"book_id": book.id, "tag_id": tag_ids[name]}
            for book, work in zip(books, works, strict=True)
            for name in work["tags"]
        ]
        await _insert_missing_links(session, links)
        await session.commit()
    return f"{len(authors)} authors, {len(books)} books and {len(tags)} tags are in the catalogue."


async def _upsert(service: CatalogService[ModelT], rows: list[Row], *key: str) -> list[ModelT]:
    """Return the row's items, in order; those that are as they should be are not written again."""

    def key_of(item: ModelT) -> tuple[Any, ...]:
        return tuple(getattr(item, name) for name in key)

    found = await service.get_many(CollectionFilter(key[0], [row[key[0]] for row in rows]))
    items = {key_of(item): item for item in found}

    def differs(row: Row) -> bool:
        item = items.get(tuple(row[name] for name in key))
        return item is None or any(getattr(item, name) != value for name, value in row.items())

    if written := [row for row in rows if differs(row)]:
        items |= {key_of(item): item for item in await service.upsert_many(written, match_fields=list(key))}
    return [items[tuple(row[name] for name in key)] for row in rows]


async def generate(count: int, done: Callable[[int], None]) -> int:
    """Insert the first `count` generated books where they are missing, batch by batch; return how many were.

    Each batch is one transaction; `done` is called after it with its number of books. Memory does not grow with `count`.
    """
    added = 0
    async with alchemy().new_session() as session:
        await _insert_missing(session, Tag, generated.tags())
        for batch in generated.batches(count):
            await _insert_missing(session, Author, batch.authors)
            new = await _insert_missing(session, Book, batch.books)
            links = [link for link in batch.links if link["book_id"] in new]
            if links:
                await session.execute(insert(book_tag), links)
            await session.commit()
            added += len(new)
            done(len(batch.books))
        await session.execute(text("ANALYZE"))  # for the query planner: the tables are not what they were
        await session.commit()
    return added


async def _insert_missing(session: AsyncSession, model: type[Author | Book | Tag], rows: list[Row]) -> set[UUID]:
    """Insert the rows whose keys are not in the table yet; return those keys. `rows` are in the order of their keys."""
    if not rows:
        return set()
    between = model.id.between(rows[0]["id"], rows[-1]["id"])
    there = set(await session.scalars(select(model.id).where(between)))
    missing = [row for row in rows if row["id"] not in there]
    if missing:
        await session.execute(insert(model), missing)
    return {row["id"] for row in missing}


async def _insert_missing_links(session: AsyncSession, links: list[Row]) -> None:
    of_books = book_tag.c.book_id.in_({link["book_id"] for link in links})
    there = {tuple(row) for row in await session.execute(select(book_tag).where(of_books))}
    missing = [link for link in links if (link["book_id"], link["tag_id"]) not in there]
    if missing:
        await session.execute(insert(book_tag), missing)


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}
