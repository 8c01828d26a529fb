"""The load generator: what to send is a `LoadPlan`, what came of it an `LoadOutcome`; `opened` leads from one to the other, for
several in turn over the same connections.

Made for a process of its own (`concurrent.futures` with the spawn context will do: plans whose callables
live in modules, and all outcomes, can be pickled), so that its CPU time is nobody else's.
"""

from benchmarks.load.generator import opened
from benchmarks.load.histogram import Histogram
from benchmarks.load.outcome import FailureKind, LoadOutcome
from benchmarks.load.plan import Kind, LoadPlan, Request

__all__ = ["FailureKind", "Histogram", "Kind", "LoadOutcome", "LoadPlan", "Request", "opened"]
