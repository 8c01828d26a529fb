"""What the commands share: how an error looks, and how things are said."""

from __future__ import annotations

from pathlib import Path

import click

INTERRUPTED = 130
"""Exit status after Ctrl-C."""
FILE = click.Path(dir_okay=False, path_type=Path)


class CommandError(click.ClickException):
    """Wrong input, or something that is not there: one line, exit status 2."""

    exit_code = 2


def duration(seconds: float) -> str:
    """In words."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
