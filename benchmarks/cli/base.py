"""What the commands share: how an error looks, and how things are said."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

INTERRUPTED = 130
"""Exit status after Ctrl-C."""
FILE = click.Path(dir_okay=False, path_type=Path)


class CommandError(click.ClickException):
    """Wrong input, or something that is not there: one line, exit status 2."""

    exit_code = 2


def command_line() -> str:
    """The command as a raw file may publish it: URLs are without their passwords."""
    return shlex.join(["python", "-m", "benchmarks", *map(without_password, sys.argv[1:])])


def without_password(argument: str) -> str:
    """The argument; if it has a URL, with *** for the password."""
    head, mark, text = argument.rpartition("=") if argument.startswith("--") else ("", "", argument)
    try:
        shown = make_url(text).render_as_string(hide_password=True) if "://" in text else text
    except (ArgumentError, ValueError):
        shown = text
    return head + mark + shown


def duration(seconds: float) -> str:
    """In words."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
