"""`doctor`: hazards of the catalogue in an app of one's own."""

import sys

import click

from benchmarks.hazards.catalogue import HAZARDS
from benchmarks.hazards.doctor import examine


@click.command()
@click.option("--app", "path", required=True, metavar="MODULE:APP", help="The app, or a factory of it.")
def doctor(path: str) -> None:
    """Look at a Flask app for the hazards of async routes; exit with 1 if there are any.

    It is imported, in a process of its own and without making tables; no request is made and nothing is changed.
    """
    found = examine(path)
    for finding in found.findings:
        click.echo(f"{finding.hazard.upper():<4} {finding.seen}")
        hazard = HAZARDS[finding.hazard]
        click.echo(f"     {hazard.title}: RESULTS.md#{hazard.anchor}")
    for words in found.undecided:
        click.echo(f"?    undecided: {words}")
    count = len(found.findings)
    words = "finding" if count == 1 else "findings"
    click.echo(f"{path}: {count} {words}" if count else f"{path}: nothing found")
    sys.exit(1 if count else 0)
