"""Raw files: JSON lines, a header first, each line appended as soon as it is known.

A file that ends early, even in the middle of a line, is a shorter run. The kinds of file are this package's modules.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_type_hints

import msgspec

from benchmarks.errors import BenchmarkError

NO_DATABASE = "none"
"""Where a scenario needs no database."""

WRONG = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What a file raises that is none of ours."""
T = TypeVar("T")


class ResultsError(BenchmarkError):
    """A raw file that cannot be read; the message says why in one line."""


class Recorder:
    """Appends records, which are dataclasses, to a new raw file, or to the complete lines of one that is there."""

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if resume:
            os.truncate(path, path.read_bytes().rfind(b"\n") + 1)  # in place: nothing is lost if it ends here
        self._file = path.open("a" if resume else "w", buffering=1, encoding="utf-8")

    def write(self, record: Any) -> None:
        """Append a line, for others to read at once; its kind is the last word of the class, `trial` for a `LoadTrial`.

        A value that has `to_json` is written as what that gives.
        """
        kind = re.findall("[A-Z][a-z]+", type(record).__name__)[-1].lower()
        values = {field.name: getattr(record, field.name) for field in fields(record)}
        self._file.write(json.dumps({"line": kind, **values}, default=_plain) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The complete lines of a raw file, the header first. Raises `ResultsError`."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ResultsError(f"{path}: cannot be read: {reason}") from None
    lines = text[: text.rfind("\n") + 1].splitlines()
    if not lines:
        raise ResultsError(f"{path}: has no results yet")
    try:
        parsed = [json.loads(line, parse_constant=_no_number) for line in lines]
        if parsed[0]["line"] == "header" and {"kind", "schema"} <= parsed[0].keys():
            return parsed
    except (*WRONG, RecursionError):
        pass
    raise malformed(path)


def require(path: Path, header: Mapping[str, Any], kind: str, schema: int) -> None:
    """Raise `ResultsError` for a file of another kind, or of another version of its lines."""
    if (header["kind"], header["schema"]) != (kind, schema):
        found = f"is of kind {header['kind']!r}, schema {header['schema']!r}"
        raise ResultsError(f"{path}: {found}; read here are {kind!r}, {schema}")


def malformed(path: Path) -> ResultsError:
    """The error for a file that is something else."""
    return ResultsError(f"{path}: is not a raw file of benchmark results")


def _plain(value: Any) -> Any:
    if hasattr(value, "to_json"):
        return value.to_json()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def record(kind: type[T], line: Mapping[str, Any], **made: Any) -> T:
    """The record that a line holds, with some of its values `made` already.

    Raises KeyError for a missing field that has no default, and ValueError for one of another type.
    """
    types, given = _types(kind), {**line, **made}  # type: ignore[arg-type]
    names = [one.name for one in fields(kind) if one.name in given or one.default is MISSING]  # type: ignore[arg-type]
    return kind(**{name: made[name] if name in made else msgspec.convert(line[name], types[name]) for name in names})


@cache
def _types(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
