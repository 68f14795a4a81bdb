"""Threads: an event loop on its own thread, and blocking calls that no exit waits for."""
