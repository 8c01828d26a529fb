"""`pytest benchmarks/in_process/micro --benchmark-only`, or in passes by `python -m benchmarks micro`."""
