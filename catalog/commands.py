"""Errors of the database on the command line: one line and exit status 2, with the driver's words for the operator."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.exc import DBAPIError

from catalog.problems import describe


class CommandFailed(click.ClickException):
    """A command that could not do its work."""

    exit_code = 2


@contextmanager
def errors_on_one_line() -> Iterator[None]:
    """Turn database errors of the block into `CommandFailed`; bugs pass."""
    try:
        yield
    except Exception as error:
        problem = describe(error)
        if problem is None:
            raise
        raise CommandFailed(f"{problem.description} ({_first_line(error)})") from error


def _first_line(error: BaseException) -> str:
    cause = error.__cause__ if error.__cause__ is not None and not isinstance(error, DBAPIError) else error
    text = str(cause.orig if isinstance(cause, DBAPIError) else cause)
    return text.strip().split("\n", 1)[0] or type(cause).__name__
