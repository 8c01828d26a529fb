"""UniqueMixin.as_unique_async is unique within its session: of requests at the same time for one new name all but one fail.

pip install "flask[async]" advanced-alchemy aiosqlite; prints how many of 12 requests failed, four at once for each name.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from advanced_alchemy.base import BigIntBase
from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemyAsyncConfig
from advanced_alchemy.mixins import UniqueMixin
from flask import Flask
from sqlalchemy.orm import Mapped, mapped_column


class Tag(UniqueMixin, BigIntBase):
    name: Mapped[str] = mapped_column(unique=True)
    unique_hash = classmethod(lambda cls, name: name)
    unique_filter = classmethod(lambda cls, name: cls.name == name)


app, barrier = Flask(__name__), Barrier(4)
app.debug, app.config["PROPAGATE_EXCEPTIONS"] = True, False  # debug: else requests stop each other's portal, see H2
config = SQLAlchemyAsyncConfig(connection_string="sqlite+aiosqlite:///h39.db", commit_mode="autocommit")
alchemy, unique = AdvancedAlchemy(config, app), app.ensure_sync(Tag.as_unique_async)
app.add_url_rule("/<name>", view_func=lambda name: [unique(alchemy.get_async_session(), name=name).name, barrier.wait(5)][:1])
with ThreadPoolExecutor(4) as pool:
    statuses = list(pool.map(lambda number: app.test_client().get(f"/{number // 4}").status_code, range(12)))
print(json.dumps({"requests": len(statuses), "failed": sum(status != 200 for status in statuses)}), flush=True)
