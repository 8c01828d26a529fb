"""A second app behind a dispatcher runs on the server's loop as the first does."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.library.answers import ask_server, wait_until
from tests.library.conftest import Serving
from tests.library.databases import backends
from tests.servers import ASGI, serve


@pytest.mark.parametrize("kind", ASGI)
def test_second_app_runs_on_the_servers_loop(serving: Serving, kind: str) -> None:
    with serve(kind, "tests.library.app_dispatched:asgi", env=serving.env) as server:
        with ThreadPoolExecutor(12) as pool:
            meetings = [pool.submit(ask_server, server.port, f"/second/meet/{size}") for size in (12,) * 12]
            assert sorted(int(meeting.result().text) for meeting in meetings) == [*range(12)]
        first, second = (ask_server(server.port, f"{prefix}/loop").json for prefix in ("", "/second"))
        assert [first[0], second[0]] == ["first", "second"]
        assert first[1] == second[1]
        assert ask_server(server.port, "/second/thread").json == ["second", False]
        used = {first[2], second[2]}
        assert used <= backends(serving.database.main)
        server.stop()
        assert "Traceback" not in server.output
        wait_until(lambda: not used & backends(serving.database.main), "the end of both apps' connections")
