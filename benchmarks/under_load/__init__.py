"""Real servers under load: a server for each trial, slices of load in turns, and what they took."""
