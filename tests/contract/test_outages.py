"""Databases that are not there, not any more, or without tables: 503, a problem or a page, and no word of the machinery."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from benchmarks.machinery.postgres import PostgresServer
from catalog.models import ACTIVITY_BIND, DEFAULT_BIND

from .browsing import Page
from .serving import Served, Style, serve
from .stores import BINDS, Backend, Store, Stores
from .transcripts import LEAKS, problem

NO_TABLES = "The database has no tables, or old ones: run `flask database upgrade`."
UNREACHABLE = "The database cannot be reached."
KEY = "01890a5d-ac96-774b-bcce-b302099a8057"
REQUESTS = [
    ("GET", "/authors", None),
    ("GET", "/books?after=", None),
    ("GET", f"/tags/{KEY}", None),
    ("GET", "/activity", None),
    ("GET", "/reports/overview", None),
    ("GET", "/reports/tags", None),
    ("GET", "/books/export", None),
    ("POST", "/authors", {"name": "x"}),
    ("POST", "/books", {"title": "x", "author_id": KEY, "tags": ["x"]}),
    ("POST", "/books/bulk", [{"title": "x", "author_id": KEY}]),
    ("PATCH", f"/tags/{KEY}", {"name": "x"}),
    ("DELETE", f"/books/{KEY}", None),
]


def unavailable(response: httpx.Response, detail: str) -> None:
    problem(response, 503, detail)
    assert response.headers["retry-after"] == "2"
    assert not LEAKS.search(response.text)


def check_everything(served: Served, detail: str) -> None:
    """Every route says the same, as often as one asks, and holds no connection."""
    for _ in range(2):
        for method, path, body in REQUESTS:
            unavailable(served.client.request(method, path, json=body), detail)
            served.check_at_rest()
    for path in ("/", "/pages/books/new"):
        response = served.client.get(path)
        assert response.status_code == 503
        page = Page(response.text)
        assert page.texts["h1"] == ["Service Unavailable"]
        assert detail in page.texts["p"]
        assert not LEAKS.search(response.text)
    response = served.client.get("/pages/authors/new")
    token = Page(response.text).values["csrf_token"]
    response = served.client.post("/pages/authors/new", data={"name": "x", "csrf_token": token})
    assert response.status_code == 503
    assert Page(response.text).texts["h1"] == ["Service Unavailable"]
    assert served.client.get("/static/catalog.css").status_code == 200


def test_without_tables(style: Style, backend: Backend, stores: Stores) -> None:
    with serve(style, stores.shared(backend, "nothing")) as served:
        check_everything(served, NO_TABLES)


@pytest.fixture
def nowhere(backend: Backend, postgres: PostgresServer, tmp_path: Path) -> Iterator[Store]:
    """Databases that cannot be reached."""
    if backend == "sqlite":
        yield Store({bind: f"sqlite:///{tmp_path}/no/such/folder/{bind}" for bind in BINDS})
        return
    with socket.socket() as silent:  # bound and not listening: the port is nobody else's
        silent.bind(("127.0.0.1", 0))
        url = f"postgresql://me:secret@127.0.0.1:{silent.getsockname()[1]}/name"
        yield Store(dict.fromkeys(BINDS, url))


def test_without_a_database(style: Style, nowhere: Store) -> None:
    with serve(style, nowhere) as served:
        check_everything(served, UNREACHABLE)


def test_without_the_log_nothing_is_written(style: Style, backend: Backend, nowhere: Store, stores: Stores) -> None:
    store = stores.shared(backend, to_write=True)
    half = Store({DEFAULT_BIND: store.urls[DEFAULT_BIND], ACTIVITY_BIND: nowhere.urls[ACTIVITY_BIND]})
    with serve(style, half, COMMIT_MODE="autocommit") as served, store.unchanged():
        for _ in range(3):
            unavailable(served.client.post("/authors", json={"name": "Unlogged"}), UNREACHABLE)
            unavailable(served.client.get("/reports/overview"), UNREACHABLE)
        assert served.client.get("/authors").json()["total"] == 84
        assert served.client.get("/authors?search=unlogged").json()["total"] == 0


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_connections_that_the_server_ends_are_replaced(
    style: Style, backend: Backend, stores: Stores, postgres: PostgresServer
) -> None:
    with stores.make(backend) as store, serve(style, store) as served:
        report, write = ("GET", "/reports/overview", None), ("POST", "/authors", {"name": "After the End"})
        for method, path, body in (report, write):
            assert served.client.get("/reports/overview").status_code == 200
            with psycopg.connect(postgres.url, autocommit=True) as connection:
                names = [url.rpartition("/")[2] for url in store.urls.values()]
                query = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = ANY(%s)"
                (ended,) = connection.execute(query, [names]).fetchone() or (0,)
                assert ended >= 2
            answers = [served.client.request(method, path, json=body)]
            while answers[-1].status_code == 503:
                unavailable(answers[-1], UNREACHABLE)
                answers.append(served.client.request(method, path, json=body))
                assert len(answers) <= 3, "one failure for each database is enough to replace its connections"
            assert answers[-1].status_code == (200 if method == "GET" else 201)
            served.check_at_rest()
        assert served.client.get("/authors?search=after the end").json()["total"] == 1


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_database_that_is_dropped(style: Style, backend: Backend, stores: Stores, postgres: PostgresServer) -> None:
    with stores.make(backend) as store, serve(style, store) as served:
        assert served.client.get("/reports/overview").status_code == 200
        for url in store.urls.values():
            postgres.drop_database(url.rpartition("/")[2])
        check_everything(served, UNREACHABLE)
