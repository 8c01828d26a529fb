"""H8: after a fork the portal's thread is gone."""

from benchmarks.hazards.hazard import Facts, Hazard, Outcome


def judge(facts: Facts) -> Outcome:
    """What the child of a fork answered."""
    if facts["status"] is None:
        return Outcome(True, "the worker's first request hung for ever")
    return Outcome(facts["status"] != 200, f"the worker answered {facts['status']}")


HAZARD = Hazard(
    name="h8",
    slug="fork-loses-the-portal",
    title="After a fork (gunicorn --preload) the first request hangs",
    writes="`gunicorn --preload module:app`, or anything else that imports the app before it forks.",
    happens="The worker's first request waits for ever.",
    why=(
        "`AdvancedAlchemy.init_app` starts the portal's thread on import; threads do not survive a fork. "
        '`PortalProvider.start` (`utils/portals.py`) finds the dead thread, warns "already started" and returns; `call` '
        "waits on a loop that nobody runs."
    ),
    instead="No `--preload`, no fork after import: an app factory that each worker calls.",
    ours="The loop is started on first use, and a fork forgets it, and its connections, in the child.",
    judge=judge,
    package="advanced-alchemy",
    since="1.12.0 or before",
    databases=("sqlite",),
)
