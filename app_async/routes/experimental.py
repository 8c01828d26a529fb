"""An async session in a synchronous view.

Experimental, for code that cannot become `async` yet: every statement is one `portal.call`, nothing loads lazily, and what a
call waits for holds the view's thread under WSGI. Under ASGI the view is kept on the server's loop, like all others of the app:
what it does between two calls stalls them, and is little.
"""

from advanced_alchemy.extensions.flask import FlaskServiceMixin
from flask import Blueprint, Response

from catalog.reports import TAG_REPORT
from flask_oneloop import on_loop

from ..config import alchemy

experimental = Blueprint("experimental", __name__, url_prefix="/reports")


@experimental.get("/tags")
@on_loop
def show_tags() -> Response:
    """Answer with the number of books of each tag."""
    session = alchemy().get_session(read_only=True)
    result = alchemy().portal.call(session.execute, TAG_REPORT.statement)
    return FlaskServiceMixin().jsonify(TAG_REPORT.read(result.all()))
