"""The served app, already used when it is imported: a loop runs and a connection is open."""

from tests.library.app_served import app


@app.get("/preloaded")
def preloaded() -> str:
    """The connection that was open before the fork."""
    return backend


backend = app.test_client().get("/backend").text
