"""What the commands share: how an error looks, and how things are said."""

import math
import os
import shlex
import signal
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from psycopg import OperationalError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from benchmarks.cli import INTERRUPTED
from benchmarks.errors import BenchmarkError
from benchmarks.machinery.child import ChildError
from benchmarks.machinery.databases import KINDS, Kind
from benchmarks.machinery.postgres import external
from benchmarks.raw import ResultsError, read_lines

FILE = click.Path(dir_okay=False, path_type=Path)


class Seconds(click.FloatRange):
    """A number within a range; NaN, which click lets through, is not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        return number if math.isfinite(number) else self.fail(f"{number} is not a number of seconds.", param, ctx)


@contextmanager
def long_job(about: object, finished: Callable[[], str], *, stopped: bool = False) -> Iterator[None]:
    """Let SIGTERM end what runs within by way of its clean-up, and end the command with one line on what goes wrong.

    An `OSError`, of a file or else of what it is `about`, the end of PostgreSQL, and that of a child become a `BenchmarkError`;
    after Ctrl-C the exit status is that of an interruption, or 0 for a job that is `stopped` so; after SIGTERM it is the shell's,
    143. Each line ends with what `finished` says of the work that is kept, if it says anything.
    """
    former = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    except (BenchmarkError, ChildError, OperationalError) as error:
        raise BenchmarkError(_ending(str(error), finished())) from None
    except OSError as error:
        raise BenchmarkError(_ending(f"{error.filename or about}: {error.strerror}", finished())) from None
    except (KeyboardInterrupt, SystemExit) as ended:
        click.echo(f"\n{_ending('Stopped' if stopped else 'Interrupted', finished())}", err=True)
        sys.exit(ended.code if isinstance(ended, SystemExit) else 0 if stopped else INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, former)


def _ending(happened: str, finished: str) -> str:
    return f"{happened.rstrip('.')}. {finished}" if finished else happened


def read_raw(path: Path, kinds: Collection[str], what: str) -> tuple[str, Any]:
    """The kind of a raw file, and the run that it holds; `what` says which `kinds` are read. Raises `ResultsError`."""
    kind = read_lines(path)[0]["kind"]
    if not isinstance(kind, str) or kind not in kinds:
        raise ResultsError(f"{path}: is of kind {kind!r}; {what}")
    return kind, import_module(f"benchmarks.raw.{kind}").read(path)


def write_text(path: Path, text: str) -> None:
    """Write a file, and its folder if there is none. Raises `BenchmarkError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise _unwritable(error, path) from None


def require_writable(path: Path) -> None:
    """Make the folder of a file that is to be written, and leave the file as it is. Raises `BenchmarkError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        there = path.exists()
        path.open("a").close()
        if not there:
            path.unlink()
    except OSError as error:
        raise _unwritable(error, path) from None


def _unwritable(error: OSError, path: Path) -> BenchmarkError:
    return BenchmarkError(f"{error.filename or path}: cannot be written: {error.strerror}")  # a full disk's error names no file


def command_line() -> str:
    """The command as a raw file may publish it: URLs are without their passwords."""
    return shlex.join(["python", "-m", "benchmarks", *map(without_password, sys.argv[1:])])


def without_password(argument: str) -> str:
    """The argument; if it has a URL, with *** for the password and without a query, which may hold it too."""
    head, mark, text = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    try:
        shown = make_url(text).set(query={}).render_as_string() if "://" in text else text
    except (ArgumentError, ValueError):
        shown = text
    return head + mark + shown


def database(name: str) -> tuple[Kind, str | None]:
    """The kind of database that `--database` names, and the URL of the server if it is one. Raises `BenchmarkError`."""
    if name in KINDS:
        return name, None
    try:
        backend = make_url(name).get_backend_name()
    except (ArgumentError, ValueError):
        backend = ""
    if backend not in {"postgresql", "postgres"}:
        known = f"{', '.join(KINDS)} or a URL such as postgresql://user@host/name"
        raise BenchmarkError(f"--database is {name!r}: it must be {known}")
    return "postgresql", name


def require_reachable(url: str | None) -> None:
    """Connect to the PostgreSQL at `url`, or at DATABASE_URL, if there is one. Raises `PostgresError`."""
    if named := url or os.environ.get("DATABASE_URL"):
        with external(named):
            pass


def duration(seconds: float) -> str:
    """In words."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
