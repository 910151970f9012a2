"""Targets in, results out: sessions, the processes that they need, and the use cases that front doors call."""
