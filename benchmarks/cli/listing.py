"""`list`: what there is to compare."""

from __future__ import annotations

from typing import Any

import click

from benchmarks.models import MODELS, PORTALS
from benchmarks.scenarios import SCENARIOS


@click.command("list")
def list_() -> None:
    """List contenders and groups."""
    portals: list[Any] = [*MODELS.values(), *PORTALS.values()]
    click.echo("Contenders:")
    for contender in portals:
        click.echo(f"  {contender.name:<16} {contender.about}")
    click.echo("Groups:")
    for scenario in SCENARIOS.values():
        click.echo(f"  {scenario.name:<16} {scenario.title} (batches of {scenario.batch})")
