"""What the commands share: how an error looks, and how things are said."""

import math
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from benchmarks.cli import INTERRUPTED
from benchmarks.machinery.child import ChildError
from benchmarks.machinery.databases import KINDS, Kind
from benchmarks.machinery.postgres import PostgresError, external

FILE = click.Path(dir_okay=False, path_type=Path)


class CommandError(click.ClickException):
    """Wrong input, or something that is not there: one line, exit status 2."""

    exit_code = 2


class Seconds(click.FloatRange):
    """A number within a range; NaN, which click lets through, is not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        return number if math.isfinite(number) else self.fail(f"{number} is not a number of seconds.", param, ctx)


@contextmanager
def long_job(
    about: object, *errors: type[Exception], interrupted: Callable[[], str], status: int = INTERRUPTED
) -> Iterator[None]:
    """Let SIGTERM end what runs within by way of its clean-up, and end the command with one line on what goes wrong.

    `errors`, `ChildError` and `OSError`, of a file or else of what it is `about`, become a `CommandError`. After Ctrl-C
    what `interrupted` says is shown, and the exit status is `status`.
    """
    errors = (*errors, ChildError)
    former = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    except errors as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{error.filename or about}: {error.strerror}") from None
    except KeyboardInterrupt:
        click.echo(f"\n{interrupted()}", err=True)
        sys.exit(status)
    finally:
        signal.signal(signal.SIGTERM, former)


def write_text(path: Path, text: str) -> None:
    """Write a file, and its folder if there is none. Raises `CommandError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:  # which, of a full disk, names no file
        raise CommandError(f"{error.filename or path}: cannot be written: {error.strerror}") from None


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
    """The kind of database that `--database` names, and the URL of the server if it is one. Raises `CommandError`."""
    if name in KINDS:
        return name, None
    try:
        backend = make_url(name).get_backend_name()
    except (ArgumentError, ValueError):
        backend = ""
    if backend not in {"postgresql", "postgres"}:
        raise CommandError(f"--database is {name!r}: it must be {', '.join(KINDS)} or a URL such as postgresql://user@host/name")
    return "postgresql", name


def require_reachable(url: str | None) -> None:
    """Connect to the PostgreSQL at `url`, or at DATABASE_URL, if there is one. Raises `CommandError`."""
    if named := url or os.environ.get("DATABASE_URL"):
        try:
            with external(named):
                pass
        except PostgresError as error:
            raise CommandError(str(error)) from None


def duration(seconds: float) -> str:
    """In words."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
