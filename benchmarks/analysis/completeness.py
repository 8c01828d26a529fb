"""How much of what was planned a run under load has. Pure."""

from benchmarks.raw.load import LoadRun


def expected(run: LoadRun) -> int:
    """Trials in a complete run; those of contenders that fail are not among them."""
    return sum(
        cell.rounds
        for cell in run.header.cells
        for name in cell.contenders
        if not run.problem(cell.database, cell.scenario, name)
    )


def done(run: LoadRun) -> int:
    """Trials of the run that count towards `expected`."""
    return sum(not run.problem(one.database, one.scenario, one.contender) for one in run.trials)
