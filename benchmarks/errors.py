"""What ends a command with one line."""


class BenchmarkError(Exception):
    """Something cannot be done; the message says why in one line. What follows from one in particular has a class of its own."""
