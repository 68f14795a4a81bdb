"""Threads: an event loop on a thread of its own, and blocking calls that no exit waits for."""
