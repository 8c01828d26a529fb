"""`flask database ...`: Advanced Alchemy's own commands, on every bind unless one is named, with errors on one line."""

import copy
from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from advanced_alchemy.extensions.flask.cli import database_group
from alembic.util import CommandError
from flask import Flask

from catalog.commands import CommandFailed, errors_on_one_line

ON_EVERY_BIND = {"upgrade", "check", "show-current-revision", "ensure-version", "heads", "history", "branches"}


def register(app: Flask) -> None:
    """Put the commands on `app`, in place of those that the extension put there."""
    group = copy.copy(database_group)
    group.commands = {name: _wrap(name, command) for name, command in database_group.commands.items()}
    app.cli.add_command(group, "database")


def _wrap(name: str, command: click.Command) -> click.Command:
    wrapped = copy.copy(command)
    wrapped.callback = _on_binds(command.callback, name in ON_EVERY_BIND) if command.callback else None
    if name in ON_EVERY_BIND:
        wrapped.help = f"{command.help} Without --bind-key: on every database."
    return wrapped


def _on_binds(callback: Callable[..., Any], every_bind: bool) -> Callable[..., Any]:
    @wraps(callback)
    def run(bind_key: str | None = None, **options: Any) -> None:
        binds = [config.bind_key or "default" for config in click.get_current_context().obj["configs"]]
        if bind_key is not None and bind_key not in binds:
            raise click.BadParameter(f"{bind_key!r} is not one of {', '.join(binds)}", param_hint="--bind-key")
        with errors_on_one_line():
            try:
                if bind_key is not None or not every_bind:
                    callback(bind_key=bind_key, **options)
                    return
                for bind in binds:
                    click.secho(f"Database {bind}:", bold=True)
                    callback(bind_key=bind, **options)
            except CommandError as error:
                raise click.ClickException(str(error)) from error
            except EOFError:
                raise CommandFailed("there is nobody to ask for confirmation; give --no-prompt") from None

    return run
