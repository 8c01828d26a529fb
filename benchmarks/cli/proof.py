"""`proof`: what intervals and verdicts are worth, by simulation from recorded slices."""

import sys
from pathlib import Path

import click

from benchmarks.analysis.proof import ALL, EXPERIMENTS, PROMISES, broken, cells, means, row
from benchmarks.cli.base import FILE, command_line, long_job
from benchmarks.errors import BenchmarkError
from benchmarks.raw import Recorder, load
from benchmarks.raw.proof import ProofHeader, ProofRow

RESULTS = Path("benchmarks/results")
UNKEPT = 1
"""Exit status where, over all cells, intervals contain the truth too seldom or verdicts are wrong too often."""
FIGURES = (*PROMISES, "half_width")
HEADING = f"{'':<36}{'quantity':<12}{'rounds':<7}{'slices':>6}" + "".join(f"{name.replace('_', '-'):>11}" for name in FIGURES)


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=RESULTS / "load.jsonl")
@click.option("--runs", type=click.IntRange(10, 100_000), default=300, show_default=True, help="To simulate of every cell.")
@click.option("--output", type=FILE, default=RESULTS / "proof.jsonl", show_default=True, help="Raw results.")
def proof(file: Path, runs: int, output: Path) -> None:
    """Simulate runs from the slices in FILE, a raw file of load.  [default: benchmarks/results/load.jsonl]

    Servers are made the same, effects are put in, and right and wrong verdicts are counted. The exit status is 1 where more than
    5 % are wrong or fewer than 93 % of the intervals contain the truth, over all cells.
    """
    recorded = load.read(file)
    jobs = [(experiment, *found) for found in cells(recorded) for experiment in EXPERIMENTS]
    if not jobs:
        raise BenchmarkError(f"{file}: no closed loop has two rounds of three servers in slices that can be paired")
    rows: list[ProofRow] = []
    with long_job(output, lambda: f"{len(rows)} of {len(jobs)} rows are in {output}" if rows else ""):
        recorder = Recorder(output)
        recorder.write(ProofHeader(command_line(), recorded.header.started, recorded.header.profile, runs))
        click.echo(
            f"{len(jobs)} rows of {runs} simulated runs each: a minute or a few. Shares in %, half-widths in +-%.\n{HEADING}"
        )
        for experiment, one, quantity, record in jobs:
            rows.append(row(one, quantity, record, experiment, runs))
            recorder.write(rows[-1])
            click.echo(line(rows[-1]))
        recorder.close()
    found = means(rows)
    for mean in found:
        click.echo(line(mean, broken(mean)))
    kept = ", ".join(f"{name} {100 * low:.0f} to {100 * high:.0f} %" for name, (low, high) in PROMISES.items())
    click.echo(f"Promised over all cells: {kept}; * is not. Raw results: {output}")
    low, high = PROMISES["coverage"][0], PROMISES["false"][1]
    sys.exit(UNKEPT if any(mean.coverage < low or mean.false > high for mean in found if mean.scenario == ALL) else 0)


def line(of: ProofRow, marked: list[str] | None = None) -> str:
    """Of the table, with a mark at some figures."""
    where = ", ".join(part for part in (of.scenario, of.database, of.load) if part)
    rounds = f"2-{of.restarts}" if of.stops else f"{of.restarts}"
    figures = "".join(f"{100 * getattr(of, name):>10.1f}{'*' if name in (marked or ()) else ' '}" for name in FIGURES)
    return f"{where:<36}{of.quantity:<12}{rounds:<7}{of.slices:>6.0f}{figures}".rstrip()
