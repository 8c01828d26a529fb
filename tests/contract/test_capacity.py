"""More than the databases' pools and locks can carry: the rest is told so, and all goes on afterwards."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import event, text

from catalog.models import ACTIVITY_BIND

from .serving import Served, Style, serve
from .stores import Backend, Store, Stores
from .transcripts import LEAKS, problem

BUSY = "The database is busy."


def refused(response: httpx.Response) -> None:
    problem(response, 503, BUSY)
    assert response.headers["retry-after"] == "2"
    assert not LEAKS.search(response.text)


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Another writer's transaction, which is rolled back in the end."""
    with store.session() as session:
        session.execute(text("UPDATE author SET born = born"))  # all rows, and the file on SQLite
        if store.urls["default"].startswith("postgresql"):
            session.execute(text("LOCK TABLE author IN EXCLUSIVE MODE"))
        yield
        session.rollback()


def set_for_connections(served: Served, statement: str) -> None:
    """Have every connection that the app makes from now on begin with a statement."""
    for config in served.app.extensions["advanced_alchemy"].config:
        engine = config.get_engine()

        def run(connection: object, _: object) -> None:
            cursor = connection.cursor()  # type: ignore[attr-defined]
            cursor.execute(statement)
            cursor.close()
            connection.commit()  # type: ignore[attr-defined]

        event.listen(getattr(engine, "sync_engine", engine), "connect", run)


def test_a_pool_that_is_used_up(style: Style, stores: Stores) -> None:
    """One connection, which a writer that waits for a lock has."""
    store = stores.shared("postgresql", to_write=True)
    with serve(style, store, POOL_SIZE=1) as served, ThreadPoolExecutor(1) as threads:
        for config in served.app.extensions["advanced_alchemy"].config:
            config.get_engine().pool._timeout = 0.1
        with locked(store):
            waiting: Future[httpx.Response] = threads.submit(served.client.post, "/authors", json={"name": "Patient"})
            while served.checked_out() == 0:
                assert not waiting.done()
            with httpx.Client(base_url=served.url, timeout=30, verify=False) as others:
                for path in ("/authors", "/books?after=", "/reports/overview", "/books/export"):
                    refused(others.get(path))
                refused(others.post("/authors", json={"name": "Impatient"}))
                assert others.get("/", headers={"Accept": "text/html"}).status_code == 503
            assert not waiting.done()
        assert waiting.result(30).status_code == 201
        assert served.client.get("/authors?search=patient").json()["total"] == 1
    store.restore()


def test_a_writer_waits_for_another(style: Style, backend: Backend, stores: Stores) -> None:
    store = stores.shared(backend, to_write=True)
    with serve(style, store) as served, ThreadPoolExecutor(1) as threads:
        assert served.client.get("/authors").status_code == 200
        with locked(store):
            waiting = threads.submit(served.client.post, "/authors", json={"name": "Second"})
            while served.checked_out() == 0:
                assert not waiting.done()
            assert httpx.get(f"{served.url}/tags", verify=False).status_code == 200  # who reads does not wait
            assert not waiting.done()
        assert waiting.result(30).status_code == 201
    store.restore()


def test_a_writer_that_waited_too_long(style: Style, backend: Backend, stores: Stores) -> None:
    store = stores.shared(backend, to_write=True)
    with serve(style, store) as served:
        set_for_connections(served, "PRAGMA busy_timeout=20" if backend == "sqlite" else "SET lock_timeout = '20ms'")
        with store.unchanged(), locked(store):
            for _ in range(3):
                refused(served.client.post("/authors", json={"name": "Too Late"}))
            served.check_at_rest()
        assert served.client.post("/authors", json={"name": "In Time"}).status_code == 201
    store.restore()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_the_log_refuses_to_commit_what_the_catalogue_has_committed(
    style: Style, backend: Backend, stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    """Two databases have no common commit: the write stays, the client gets an error, and the next request works."""
    refuse = """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not today'' USING ERRCODE = ''40001''; END';
        CREATE CONSTRAINT TRIGGER late AFTER INSERT ON activity DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION refuse()
    """
    with stores.make(backend) as store, serve(style, store, COMMIT_MODE="autocommit") as served:
        with store.session(ACTIVITY_BIND) as session:
            session.execute(text(refuse))
            session.commit()
        before = store.counts()
        refused(served.client.post("/authors", json={"name": "Unlogged"}))
        served.check_at_rest()
        assert store.counts() == {**before, "author": before["author"] + 1}
        with store.session(ACTIVITY_BIND) as session:
            session.execute(text("DROP TRIGGER late ON activity"))
            session.commit()
        assert served.client.post("/authors", json={"name": "Logged"}).status_code == 201
        after = store.counts()
        assert (after["author"], after["activity"]) == (before["author"] + 2, before["activity"] + 1)
