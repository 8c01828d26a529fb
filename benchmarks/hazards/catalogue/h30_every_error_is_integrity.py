"""Every statement that fails is an IntegrityError."""

from advanced_alchemy.base import BigIntBase
from advanced_alchemy.repository import SQLAlchemyAsyncRepository

from benchmarks.hazards.hazard import Facts, Hazard, Outcome
from flask_oneloop import AsyncFlask


class H30(Hazard):
    slug = "every-error-is-an-integrity-error"
    writes = "`@app.errorhandler(IntegrityError)` that answers 409, and repositories or services."
    happens = """A missing table, a lost connection, a lock that timed out, a statement that was cancelled: each is answered as a
        conflict."""
    why = """`wrap_sqlalchemy_exception` (`advanced_alchemy/exceptions.py`) turns `StatementError` into `IntegrityError`, and
        every error of a driver is a `StatementError`."""
    instead = "`wrap_exceptions=False`, and handlers for SQLAlchemy's own classes."
    ours = """The runtime changes nothing here: it is the same argument. The apps of this project look at the cause
        (`catalog/faults.py`)."""
    by_hand = True
    upstream = "advanced-alchemy 1.12.0 or before"
    databases = ("sqlite",)

    def judge(self, facts: Facts) -> Outcome:
        """What reading a missing table raises."""
        return Outcome(facts["raised"] == "IntegrityError", f"a missing table is an {facts['raised']}")

    def steps(self, app: AsyncFlask) -> Facts:
        """What to write instead: wrap_exceptions=False."""

        class Item(BigIntBase):
            __tablename__ = "missing"

        class Items(SQLAlchemyAsyncRepository[Item]):
            model_type = Item

        alchemy = self.alchemy(app)
        raised = {}

        @app.errorhandler(Exception)
        def note(error: Exception) -> tuple[str, int]:
            raised["raised"] = type(error).__name__
            return "", 500

        @app.get("/")
        async def read() -> str:
            return str(await Items(session=alchemy.get_session(), wrap_exceptions=False).list())

        app.test_client().get("/")
        return raised
