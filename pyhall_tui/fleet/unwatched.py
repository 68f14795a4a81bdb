"""What is left of workers that are no longer watched."""

from typing import NamedTuple

from pyhall_tui.fleet.entry import Entry
from pyhall_tui.profiles.watch_list import WatchedWorker


class Unwatched(NamedTuple):
    """What taking workers off the watch list removed, so that it can be put back."""

    watched: tuple[WatchedWorker, ...]
    entries: tuple[Entry, ...]
