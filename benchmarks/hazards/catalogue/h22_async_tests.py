"""H22: the test client in async tests."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


def judge(facts: Facts) -> Outcome:
    """What a request inside a coroutine comes to."""
    right = facts["answer"] == "answered"
    return Outcome(
        not right, "the request was answered" if right else f"{facts['answer'].partition(':')[0]}: asgiref refuses to run there"
    )


HAZARD = Hazard(
    name="h22",
    slug="test-client-in-async-tests",
    title="The test client cannot ask an async view inside an async test",
    writes="`async def test_view(): response = app.test_client().get('/')`, because fixtures and assertions are async.",
    happens='RuntimeError: "You cannot use AsyncToSync in the same thread as an async event loop".',
    why="`AsyncToSync.__call__` (`asgiref/sync.py`) refuses to run in a thread whose event loop is running.",
    instead="`await asyncio.to_thread(client.get, '/')`, or synchronous tests.",
    ours="The view runs on the app's loop, whichever the test runs on. (The test's own loop is blocked meanwhile.)",
    judge=judge,
    package="flask",
    since="2.0",
)
