"""What makes a trial of the load benchmark doubtful: limits fixed before any measurement. What is beyond them is not removed."""

TOLERATED = 0.001
"""Share of wrong answers beyond which a contender has failed; none of them is counted or timed."""
STEAL = 0.05
"""Share of all cores' time that the host withheld."""
GENERATOR_CPU = 0.80
"""Share of a core: a generator busier than this may be what limits the throughput."""
LATENESS_P99 = 0.005
"""Seconds by which the generator itself may start one in a hundred requests of an open loop too late."""
SERVER_CPU = 0.95
"""Share of a core: where the server of an open loop uses more, requests may come faster than they can be answered."""
SHARED = 0.9
"""Cores in use by database and generator together, where they share one: beyond it, it is they who limit the throughput."""
