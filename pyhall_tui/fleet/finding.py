"""Finds workers in a fleet for a list of a few, the newest first."""

from collections.abc import Sequence
from heapq import nsmallest
from itertools import chain, compress
from typing import Final, NamedTuple

from pyhall_tui.clock import Moment
from pyhall_tui.fleet.entry import Entry
from pyhall_tui.fleet.fleet import Fleet
from pyhall_tui.fleet.query import found_in
from pyhall_tui.fleet.searched import Searched
from pyhall_tui.fleet.terms import FilterError, Term, plain, terms_of
from pyhall_tui.threads.slices import slices

_AT_ONCE: Final = 1_000
"""Workers that are looked at before a pressed key is let through: about a millisecond."""


class Found(NamedTuple):
    """How many workers a text finds, and the first few of them."""

    total: int
    entries: list[Entry]


async def find_newest(fleet: Fleet, query: str, now: Moment, most: int) -> Found:
    """Return the workers that a filter finds, those that changed last first; any other text is read as words.

    An empty text finds all. `most`: how many are returned.
    """
    try:
        terms = terms_of(query)
    except FilterError:
        terms = plain(query)
    count, best = 0, list[Entry]()
    async for part in slices(list(fleet), _AT_ONCE):
        found = _among(part, terms, now, fleet.stale_after) if terms else list(part)
        count += len(found)
        best = nsmallest(most, chain(best, found), key=_newest_first)
    return Found(count, best)


def _among(entries: Sequence[Entry], terms: Sequence[Term], now: Moment, stale_after: float) -> list[Entry]:
    states = bytearray(each.state(now.mono, stale_after) for each in entries)
    haystacks, hashes = [each.haystack for each in entries], [each.last_sha256 for each in entries]
    return list(compress(entries, found_in(terms, Searched(haystacks, hashes, states, entries), now)))


def _newest_first(entry: Entry) -> tuple[float, str]:
    return -entry.changed_wall, entry.worker_id.casefold()
