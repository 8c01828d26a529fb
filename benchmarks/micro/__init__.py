"""The in-process comparison: `pytest benchmarks/micro --benchmark-only`, or in passes by `python -m benchmarks micro`."""
