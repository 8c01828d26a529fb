"""What an entry of the catalogue says, what was seen, and what it came to."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import environ
from pathlib import Path
from typing import Any, Literal

from advanced_alchemy.extensions.flask import SQLAlchemyAsyncConfig
from sqlalchemy.ext.asyncio import AsyncSession

from flask_oneloop import AdvancedAlchemy, AsyncFlask

Facts = Mapping[str, Any]
"""What a side printed as JSON; empty if it did not come to that."""
Database = Literal["none", "sqlite", "postgresql"]
Model = Literal["documented", "async-loop", "async-native"]
MODELS: tuple[Model, ...] = ("documented", "async-loop", "async-native")
REPRODUCTIONS = Path(__file__).with_name("reproductions")
TEXTS = ("writes", "happens", "why", "instead", "ours", "price")


@dataclass(frozen=True)
class Observation:
    """One side, as its process was seen from outside.

    `end` is "exit N", the name of the signal that ended it, or "time limit"; `errors` are the distinct last lines of tracebacks
    that it wrote, shortened.
    """

    facts: Facts
    end: str
    errors: tuple[str, ...]
    seconds: float

    @property
    def died(self) -> str | None:
        """How the process went wrong as a whole; None if it printed its facts and ended by itself."""
        if self.end == "exit 0" and self.facts:
            return None
        if self.end.startswith("SIG"):
            return f"the process was killed by {self.end}"
        if self.end == "time limit":
            return f"the process hung and was killed after {self.seconds:.0f} s"
        return f"the process ended with {self.end}{': ' + self.errors[-1] if self.errors else ''}"


@dataclass(frozen=True)
class Outcome:
    """What the facts come to, in a short sentence for the table."""

    broken: bool
    sentence: str


class Hazard:
    """An entry is a class of its own: `H2` is named `h2`, and its title, a sentence, is the docstring of its module.

    Its texts are Markdown, in which line breaks count as spaces.
    """

    slug: str
    """The rest of its anchor."""
    writes: str
    """What a user would write; the script is shown beneath it."""
    happens: str
    """What happens then, on the documented path."""
    why: str
    """The cause, with the file and function upstream."""
    instead: str
    """What to do on the stock stack."""
    ours: str
    """Why it does not happen on this project's runtime, or what is written there."""
    price = ""
    """What this runtime does worse than the documented path, if anything, for the summary."""
    by_hand = False
    """Whether on this runtime, too, it takes other code; the runtime itself cures nothing."""
    upstream: str
    """The package whose release would cure it, and the first version that has it, as far as known (0.29 is the first of Advanced
    Alchemy with a Flask extension)."""
    databases: tuple[Database, ...] = ("none",)
    """Where it can be shown, the most telling first."""
    recorded = True
    """Whether the documented path is broken with the versions of constraints.txt."""
    steps: Callable[[AsyncFlask], Facts] | None = None
    """What runs on the runtime in place of the reproduction, where the cure is to write something else."""

    def __init_subclass__(cls) -> None:
        for name in TEXTS:
            setattr(cls, name, " ".join(getattr(cls, name).split()))

    def judge(self, facts: Facts) -> Outcome:
        """From facts to outcome, the same for every side; a process that died is judged broken before it."""
        raise NotImplementedError

    def alchemy(self, app: AsyncFlask, **settings: Any) -> AdvancedAlchemy[AsyncSession]:
        """For `steps`: the runtime's extension on the database that the side was given, or else on a file of SQLite's."""
        url = environ.get("DATABASE_URL", f"sqlite+aiosqlite:///{self.name}.db")
        return AdvancedAlchemy(SQLAlchemyAsyncConfig(connection_string=url, **settings), app)

    @property
    def name(self) -> str:
        """Such as `h2`; in file names `h02`."""
        return type(self).__name__.lower()

    @property
    def title(self) -> str:
        """Without its full stop."""
        return (sys.modules[type(self).__module__].__doc__ or "").rstrip(".")

    @property
    def package(self) -> str:
        """Whose release would cure it."""
        return self.upstream.partition(" ")[0]

    @property
    def anchor(self) -> str:
        """To link to it: `#` and this."""
        return f"{self.name}-{self.slug}"

    @property
    def script(self) -> Path:
        """Its reproduction."""
        (found,) = REPRODUCTIONS.glob(f"h{int(self.name[1:]):02}_*.py")
        return found

    def change(self, broken: bool, version: str) -> str | None:
        """What to say when the documented path, with that version of its package, is not as recorded; None if it is."""
        if broken == self.recorded:
            return None
        how = "fixed upstream" if self.recorded else "new"
        return f"{self.name.upper()} is {how} in {self.package} {version}: update the catalogue"

    def outcome(self, seen: Observation) -> Outcome:
        """Judge what was seen."""
        if seen.died:
            return Outcome(True, seen.died)
        return self.judge(seen.facts)
