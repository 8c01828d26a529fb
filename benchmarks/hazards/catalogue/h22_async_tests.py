"""The test client cannot ask an async view inside an async test."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


class H22(Hazard):
    slug = "test-client-in-async-tests"
    writes = "`async def test_view(): response = app.test_client().get('/')`, because fixtures and assertions are async."
    happens = 'RuntimeError: "You cannot use AsyncToSync in the same thread as an async event loop".'
    why = "`AsyncToSync.__call__` (`asgiref/sync.py`) refuses to run in a thread whose event loop is running."
    instead = "`await asyncio.to_thread(client.get, '/')`, or synchronous tests."
    ours = "The view runs on the app's loop, whichever the test runs on. (The test's own loop is blocked meanwhile.)"
    upstream = "flask 2.0"

    def judge(self, facts: Facts) -> Outcome:
        """What a request inside a coroutine comes to."""
        answer = facts["answer"]
        refused = f"{answer.partition(':')[0]}: asgiref refuses to run there"
        return Outcome(answer != "answered", "the request was answered" if answer == "answered" else refused)
