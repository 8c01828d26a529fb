"""The raw file: one JSON object a line, a header and then what was found, each line appended as soon as it is known.

A file that ends early, even in the middle of a line, is a shorter run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

SCHEMA = 1
NO_DATABASE = "none"
"""Where a scenario needs no database."""

T = TypeVar("T", "Header", "Check", "Trial")


class ResultsError(Exception):
    """A raw file that cannot be read; the message says why in one line."""


@dataclass(frozen=True)
class Group:
    """A comparison as it was run: a scenario on a database, how many `unit`s make a batch, who is compared with whom."""

    database: str
    scenario: str
    title: str
    batch: int
    unit: str
    contenders: tuple[str, ...]
    baseline: str
    control: str


@dataclass(frozen=True)
class Header:
    """What was run, on what. `seconds` is the time planned for a trial, its warm-up included."""

    started: str
    command: str
    seed: int
    passes: int
    seconds: float
    books: int
    databases: Mapping[str, Mapping[str, str]]
    groups: tuple[Group, ...]
    contenders: Mapping[str, str]
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]
    kind: str = "micro"
    schema: int = SCHEMA


@dataclass(frozen=True)
class Check:
    """Whether a contender answers right, asked before it is measured; `problem` None where it does.

    `scenario` may also be "together": several callers at the same time.
    """

    database: str
    contender: str
    scenario: str
    problem: str | None


@dataclass(frozen=True)
class Trial:
    """One contender under one scenario, once. Times are per request, call or session, in microseconds.

    `wall` is the median of the batches; `cpu` is of the whole process, all its threads, over all batches.
    """

    number: int
    database: str
    scenario: str
    contender: str
    requests: int
    wall: float
    cpu: float


@dataclass
class Run:
    """A raw file that was read. `number` of a trial counts its pass from 1."""

    header: Header
    checks: list[Check] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)

    @property
    def planned(self) -> int:
        """Trials in a complete run in which no contender fails."""
        return self.header.passes * sum(len(group.contenders) for group in self.header.groups)

    def problem(self, database: str, scenario: str, contender: str) -> str | None:
        """Why the contender was not, or not to the end, measured there; None where nothing was wrong."""
        found = (c.problem for c in self.checks if (c.database, c.scenario, c.contender) == (database, scenario, contender))
        return next((problem for problem in found if problem), None)


class Recorder:
    """Appends to a new raw file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", buffering=1, encoding="utf-8")

    def write(self, record: Header | Check | Trial) -> None:
        """Append a line, for others to read at once."""
        self._file.write(json.dumps({"line": type(record).__name__.lower(), **asdict(record)}) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read(path: Path) -> Run:
    """Read a raw file. Raises `ResultsError`."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ResultsError(f"{path}: cannot be read: {reason}") from None
    lines = text[: text.rfind("\n") + 1].splitlines()
    if not lines:
        raise ResultsError(f"{path}: has no results yet")
    try:
        return _parse([json.loads(line) for line in lines])
    except _SchemaError as error:
        raise ResultsError(f"{path}: {error}") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ResultsError(f"{path}: is not a raw file of benchmark results") from None


class _SchemaError(Exception):
    pass


def _parse(lines: list[dict[str, Any]]) -> Run:
    first = lines[0]
    if first["line"] != "header":
        raise ValueError
    if (first["kind"], first["schema"]) != ("micro", SCHEMA):
        raise _SchemaError(f"is of kind {first['kind']!r}, schema {first['schema']!r}; read here are 'micro', {SCHEMA}")
    groups = tuple(Group(**{**group, "contenders": tuple(group["contenders"])}) for group in first["groups"])
    run = Run(_record(Header, {**first, "groups": groups}))
    for line in lines[1:]:
        if line["line"] == "check":
            run.checks.append(_record(Check, line))
        elif line["line"] == "trial":
            run.trials.append(_record(Trial, line))
        else:
            raise ValueError
    return run


def _record(kind: type[T], line: Mapping[str, Any]) -> T:
    return kind(**{field.name: line[field.name] for field in fields(kind)})
