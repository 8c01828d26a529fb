"""The command line: `python -m benchmarks`. Each command is a module of this package."""

import sys
from importlib import import_module
from typing import Any

import click

from benchmarks.errors import BenchmarkError

INTERRUPTED = 130
"""Exit status after Ctrl-C."""


def main() -> None:
    """Run the command; every error is one line on standard error."""
    try:
        sys.exit(cli.main(standalone_mode=False, prog_name="python -m benchmarks"))
    except click.ClickException as error:
        click.echo(f"Error: {' '.join(error.format_message().split())}", err=True)
        sys.exit(error.exit_code)
    except click.Abort:  # Ctrl-C before a command has begun
        sys.exit(INTERRUPTED)


class Commands(click.Group):
    """The commands, each imported when it is called: half of them do without the other half's libraries."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(f"benchmarks.cli.{'listing' if name == 'list' else name}")  # for `list` is needed here
        command: click.Command = getattr(module, f"{name}_", None) or getattr(module, name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """What a command cannot do ends it with status 2, as wrong input does."""
        try:
            return super().invoke(ctx)
        except BenchmarkError as error:
            raise click.UsageError(str(error)) from None


COMMANDS = ("run", "micro", "instructions", "hazards", "doctor", "report", "explore", "compare", "proof", "list", "serve")
"""Each the name of a module, and of the function in it: with an underscore, where it would hide something else."""


@click.group(cls=Commands, invoke_without_command=True)
@click.pass_context
def cli(context: click.Context) -> None:
    """Compare the sync and the async app."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
