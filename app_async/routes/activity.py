"""The log of writes."""

from flask import Blueprint, Response

from ..services import ActivityService

activity = Blueprint("activity", __name__, url_prefix="/activity")


@activity.get("")
async def list_activity() -> Response:
    """Answer with a page of the log, the latest first."""
    return await ActivityService.open(read_only=True).answer_list()
