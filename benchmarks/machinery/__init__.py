"""What measuring stands on: child processes, PostgreSQL, databases, the environment, placement, sampling."""
