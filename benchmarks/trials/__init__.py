"""Trials on real servers: a server for each, the load on it, and what it took."""
