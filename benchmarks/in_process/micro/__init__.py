"""What a request costs by the clock, in process: a suite of pytest-benchmark (`pytest benchmarks/`), and runs of many passes."""
