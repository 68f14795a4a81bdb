"""Keeps Python's garbage collector out of the way: a search through all modules and tests takes half a second."""

import gc


def set_aside() -> None:
    """Never search what exists now again; it stays for as long as the process runs."""
    gc.collect()
    gc.freeze()


def collect_seldom() -> None:
    """Check new objects less often than Python would: one test's app has about 100,000 of them."""
    gc.set_threshold(50_000, 20, 20)
