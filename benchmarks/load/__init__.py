"""The load generator: what to send is a `Plan`, what came of it an `Outcome`; `run` leads from one to the other, and
`opened` from several in turn over the same connections.

Made for a process of its own (`concurrent.futures` with the spawn context will do: plans whose callables
live in modules, and all outcomes, can be pickled), so that its CPU time is nobody else's.
"""

from benchmarks.load.generator import opened, run
from benchmarks.load.histogram import Histogram
from benchmarks.load.outcome import Failure, Outcome
from benchmarks.load.plan import Kind, Plan, Request

__all__ = ["Failure", "Histogram", "Kind", "Outcome", "Plan", "Request", "opened", "run"]
