"""The command line: `python -m benchmarks`. Each command is a module of this package."""

from __future__ import annotations

import sys

import click

from benchmarks.cli import compare, doctor, hazards, instructions, listing, micro, report, run, serve


def main() -> None:
    """Run the command; every error is one line on standard error."""
    try:
        sys.exit(cli.main(standalone_mode=False, prog_name="python -m benchmarks"))
    except click.ClickException as error:
        click.echo(f"Error: {error.format_message()}", err=True)
        sys.exit(error.exit_code)


@click.group(invoke_without_command=True)
@click.pass_context
def cli(context: click.Context) -> None:
    """Compare the sync and the async app."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


COMMANDS = (
    run.run_,
    micro.micro,
    instructions.instructions,
    hazards.hazards,
    doctor.doctor,
    report.report,
    compare.compare,
    listing.list_,
    serve.serve,
)
for command in COMMANDS:
    cli.add_command(command)
