"""Errors of the database on the command line: one line and exit status 2, with the driver's words for the operator."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from catalog.faults import reason
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
        raise CommandFailed(f"{problem.description} ({reason(error)})") from error
