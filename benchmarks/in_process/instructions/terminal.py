"""The counts on the terminal."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table

from benchmarks.analysis.instructions import RESOLUTION, InstructionRow
from benchmarks.raw import NO_DATABASE
from benchmarks.subjects.layers import LAYERS

WIDTH = 180


def show(rows: Sequence[InstructionRow]) -> None:
    """Print a table for each scenario and database, peers side by side."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    console.print(
        "Instructions and estimated cycles per request, in millions, each with its ratio to the first and with how far repeated"
    )
    console.print("counts lie apart; instructions by layer")
    console.print(
        f"What lies within {RESOLUTION:.0%} is level: so much depends on where objects lie in memory".replace("%", " %")
    )
    for (database, scenario), peers in groupby(rows, lambda row: (row.database, row.scenario)):
        title = scenario if database == NO_DATABASE else f"{scenario}, {database}"
        console.print(f"\n[bold]{title}[/]")
        console.print(_table(list(peers)))


def _table(rows: Sequence[InstructionRow]) -> Table:
    shown = [layer for layer in LAYERS if any(layer in row.layers for row in rows)]
    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column("", width=25, no_wrap=True)
    for name in ("M instr.", "ratio", "apart", "M cycles", "ratio", "apart", *shown):
        table.add_column(name, justify="right")
    for row in rows:
        if row.instructions is None:
            table.add_row(row.contender, "fails")
            continue
        counts = (row.instructions, row.ratio, row.spread), (row.cycles, row.cycle_ratio, row.cycle_spread)
        layers = (f"{row.layers[layer] / 1e6:.3f}" if layer in row.layers else "" for layer in shown)
        table.add_row(row.contender, *(text for count in counts for text in _texts(*count)), *layers)
    return table


def _texts(count: float | None, ratio: float | None, spread: float | None) -> tuple[str, str, str]:
    return (
        "" if count is None else f"{count / 1e6:.3f}",
        "" if ratio is None else f"{ratio:.3f}",
        "" if spread is None else f"{100 * spread:.2f} %",
    )
