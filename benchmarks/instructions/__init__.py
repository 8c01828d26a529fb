"""Exact costs: instructions per request, in process, under callgrind. `cli.instructions` runs it; `summary` is for the report."""
