"""`serve`: a contender to try by hand."""

import time
from contextlib import ExitStack

import click

from benchmarks.cli.base import database as named
from benchmarks.cli.base import long_job, require_reachable
from benchmarks.errors import BenchmarkError
from benchmarks.subjects.contenders import CONTENDERS
from benchmarks.subjects.profiles import POSTGRESQL
from benchmarks.subjects.scenarios import BOOKS, SCENARIOS
from benchmarks.under_load.server import ContenderServer, require_free, serving
from benchmarks.under_load.stage import staged

PORT = 8000


@click.command()
@click.argument("contender", metavar="CONTENDER", type=click.Choice(list(CONTENDERS)))
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True)
@click.option("--database", default=POSTGRESQL, show_default=True, metavar="sqlite|postgresql|URL")
@click.option("--books", type=click.IntRange(1000, 1_000_000), default=BOOKS, show_default=True, help="To seed.")
def serve(contender: str, port: int, database: str, books: int) -> None:
    """Start a contender with seeded databases of its own, until Ctrl-C; they are removed then."""
    kind, url = named(database)
    chosen = CONTENDERS[contender]
    if chosen.lacking:
        raise BenchmarkError(f"{contender} is left out here: {chosen.lacking}")
    if kind not in chosen.databases:
        raise BenchmarkError(f"{contender} runs on {', '.join(chosen.databases)} only")
    with long_job(contender, str, stopped=True), ExitStack() as stack:
        require_free(port)
        if kind == POSTGRESQL:
            require_reachable(url)
        click.echo(f"seeding {books:,} books ...", err=True)
        stage = stack.enter_context(staged(books, {kind}, url))
        server = stack.enter_context(serving(chosen, stage.settings(kind, chosen), port=port))
        _show(server, books)
        while server.alive:
            time.sleep(0.5)
        raise BenchmarkError(f"{contender} ended: {server.last_error or 'without a word'}")


def _show(server: ContenderServer, books: int) -> None:
    """Where it is, and what to ask it."""
    read, create = SCENARIOS["read"].request, SCENARIOS["create"].request
    assert read
    assert create
    made = create(0, books)
    click.echo(f"{server.contender.name}: {server.contender.about}")
    click.echo(f"{server.url}  (Ctrl-C ends it)\n")
    click.echo(f"curl {server.url}{read(0, books).path}")
    click.echo(f"curl '{server.url}/books?search=bridge&order_by=-published&page_size=3'")
    click.echo(f"curl -H 'Content-Type: application/json' -d '{made.body.decode()}' {server.url}/books")
