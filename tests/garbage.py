"""Keeps Python's garbage collector out of the way: a look through all modules and tests costs half a second."""

import gc


def set_aside() -> None:
    """Never look again through what there is now; it stays for as long as the process runs."""
    gc.collect()
    gc.freeze()


def collect_seldom() -> None:
    """Look at new objects less often than Python would: an app of one test is some 100,000 of them."""
    gc.set_threshold(50_000, 20, 20)
