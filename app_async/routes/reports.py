"""Reports over both databases."""

from advanced_alchemy.extensions.flask import FlaskServiceMixin
from flask import Blueprint, Response

from ..config import alchemy
from ..overview import overview

reports = Blueprint("reports", __name__, url_prefix="/reports")


@reports.get("/overview")
async def show_overview() -> Response:
    """Answer with the catalogue in numbers."""
    return FlaskServiceMixin().jsonify(await overview(alchemy().new_session))
