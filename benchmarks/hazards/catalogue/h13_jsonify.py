"""jsonify of model instances sends SQLAlchemy's state, or reprs."""

from typing import Any

from advanced_alchemy.base import BigIntBase
from advanced_alchemy.extensions.flask import FlaskServiceMixin
from advanced_alchemy.service import ResultConverter
from flask import Response
from msgspec import Struct
from sqlalchemy.orm import Mapped

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from flask_oneloop import AsyncFlask


class H13(Hazard):
    slug = "jsonify-of-instances"
    writes = "`return service.jsonify(book)`, `return service.jsonify(books)`."
    happens = """One instance goes out with `_sa_instance_state` (and the sentinel column of UUID models), a list as a list of
        `"<Book object at 0x...>"`, with status 200."""
    why = """`FlaskServiceMixin.jsonify` (`extensions/flask/utils.py`) serialises what it is given with `serializer` of
        `config.py`, whose `schema_dump` takes an instance's `__dict__` and falls back to `str`."""
    instead = "`service.jsonify(service.to_schema(book, schema_type=BookRead))`."
    ours = "The same call; the runtime changes nothing here. The apps of this project convert before they answer."
    by_hand = True
    upstream = "advanced-alchemy 1.12.0 or before"

    def judge(self, facts: Facts) -> Outcome:
        """The fields of one book, and a list of one."""
        leaked = [name for name in facts["one"] if name.startswith("_") or name == "sa_orm_sentinel"]
        reprs = any(isinstance(one, str) for one in facts["list"])
        if leaked or reprs:
            return Outcome(True, f"sent {', '.join(leaked) or 'its fields'}; a list as {'reprs' if reprs else 'objects'}")
        return Outcome(False, f"sent {', '.join(facts['one'])}; a list as objects")

    def steps(self, app: AsyncFlask) -> Facts:
        """What to do instead, in a view: convert first."""

        class Item(BigIntBase):
            title: Mapped[str]

        class Read(Struct):
            id: int
            title: str

        class Service(FlaskServiceMixin, ResultConverter):
            pass

        service = Service()

        @app.get("/one")
        async def one() -> Response:
            return service.jsonify(service.to_schema(Item(id=1, title="Emma"), schema_type=Read))

        @app.get("/list")
        async def many() -> Response:
            return service.jsonify(service.to_schema([Item(id=1, title="Emma")], schema_type=Read).items)

        client: Any = app.test_client()
        return {"one": sorted(client.get("/one").json), "list": client.get("/list").json}
