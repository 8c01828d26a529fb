"""The counterpart of the async app's one synchronous view: here it is a view like any other. Written by hand."""

from advanced_alchemy.extensions.flask import FlaskServiceMixin
from flask import Blueprint, Response

from catalog.reports import TAG_REPORT

from ..config import alchemy

experimental = Blueprint("experimental", __name__, url_prefix="/reports")


@experimental.get("/tags")
def show_tags() -> Response:
    """Answer with the number of books of each tag."""
    result = alchemy().get_session(read_only=True).execute(TAG_REPORT.statement)
    return FlaskServiceMixin().jsonify(TAG_REPORT.read(result.all()))
