"""Raw files: JSON lines, a header first, each line appended as soon as it is known.

A file that ends early, even in the middle of a line, is a shorter run. The kinds of file are this package's modules.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, NoReturn, TypeVar, get_args, get_origin, get_type_hints

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
        """Append a line, for others to read at once.

        A value that has `to_json` is written as what that gives.
        """
        values = {field.name: getattr(record, field.name) for field in fields(record)}
        self._file.write(json.dumps({"line": _line(type(record)), **values}, default=_plain) + "\n")

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


def read_run(path: Path, kind: type[T]) -> T:
    """Read a raw file as `kind`, a dataclass of a `header` and a list for each kind of line after it. Raises `ResultsError`."""
    first, *rest = read_lines(path)
    hints = get_type_hints(kind)
    header = hints.pop("header")
    if (first["kind"], first["schema"]) != (header.kind, header.schema):
        found = f"is of kind {first['kind']!r}, schema {first['schema']!r}"
        raise ResultsError(f"{path}: {found}; read here are {header.kind!r}, {header.schema}")
    lists = {_line(one): (name, one) for name, hint in hints.items() for one in get_args(hint)}
    try:
        run = kind(_record(header, first))  # type: ignore[call-arg]
        for line in rest:
            name, one = lists[line["line"]]
            getattr(run, name).append(_record(one, line))
    except WRONG:
        raise malformed(path) from None
    return run


def malformed(path: Path) -> ResultsError:
    """The error for a file that is something else."""
    return ResultsError(f"{path}: is not a raw file of benchmark results")


def _line(kind: type) -> str:
    """The kind of line that a record is: the last word of its class, `trial` for a `LoadTrial`."""
    word: str = re.findall("[A-Z][a-z]+", kind.__name__)[-1]
    return word.lower()


def _plain(value: Any) -> Any:
    if hasattr(value, "to_json"):
        return value.to_json()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _record(kind: type[T], line: Mapping[str, Any]) -> T:
    """What a line holds. Raises KeyError for a missing field that has no default, and ValueError for one of another type."""
    readers = _readers(kind)  # type: ignore[arg-type]
    names = [one.name for one in fields(kind) if one.name in line or one.default is MISSING]  # type: ignore[arg-type]
    return kind(**{name: readers[name](line[name]) for name in names})


@cache
def _readers(kind: type) -> dict[str, Callable[[Any], Any]]:
    """What makes the value of each field of what was written."""
    return {name: _reader(hint) for name, hint in get_type_hints(kind).items()}


def _reader(hint: Any) -> Callable[[Any], Any]:
    """By `from_json`, where a type has it."""
    made = next((one.from_json for one in (hint, *get_args(hint)) if hasattr(one, "from_json")), None)
    if made is None:
        return lambda value: msgspec.convert(value, hint)
    if get_origin(hint) is Mapping:
        return lambda value: {name: made(one) for name, one in value.items()}
    return lambda value: None if value is None and NoneType in get_args(hint) else made(value)
